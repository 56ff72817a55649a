"""slurm.conf and the files it includes, with the keys that the platform's installer writes."""
from slurm_install import TWIN

KEYS = """\
MpiDefault=none
ProctrackType=proctrack/cgroup
ReturnToService=2
PropagateResourceLimits=ALL
SlurmctldPidFile=/var/run/slurmctld.pid
SlurmdPidFile=/var/run/slurmd.pid
SlurmdSpoolDir=/var/spool/slurmd
SlurmUser=slurm
StateSaveLocation={state}
SwitchType=switch/none
TaskPlugin=task/affinity,task/cgroup
SchedulerType=sched/backfill
SelectType=select/cons_tres
GresTypes=gpu
SelectTypeParameters=CR_Core_Memory
ClusterName={cluster}
JobAcctGatherType=jobacct_gather/none
SlurmctldDebug=debug
SlurmctldLogFile=/var/log/slurmctld/slurmctld.log
SlurmctldParameters=idle_on_node_suspend
SlurmdDebug=debug
SlurmdLogFile=/var/log/slurmd/slurmd.log
DisableRootJobs=No
LaunchParameters={launch}
PrivateData=cloud
PrologSlurmctld=/opt/azurehpc/slurm/prolog.sh
Prolog=/etc/slurm/prolog.d/*
Epilog=/etc/slurm/epilog.d/*
PrologFlags=alloc
TreeWidth=16
ReconfigFlags=KeepPowerSaveSettings
ResumeTimeout=1800
SuspendTimeout=600
SuspendTime=300
SlurmctldTimeout=30
ResumeProgram=/opt/azurehpc/slurm/resume_program.sh
ResumeFailProgram=/opt/azurehpc/slurm/resume_fail_program.sh
SuspendProgram=/opt/azurehpc/slurm/suspend_program.sh
SchedulerParameters=max_switch_wait=24:00:00
MaxNodeCount={most}
HealthCheckInterval={interval}
HealthCheckNodeState=ANY
HealthCheckProgram={program}
Include azure.conf
Include accounting.conf
Include keep_alive.conf
Include site_specific.conf
SlurmCtldHost={host}({address})
"""
CGROUP = "ConstrainCores=yes\nConstrainRamSpace=yes\nConstrainDevices=yes\n# of the twin\nCgroupPlugin=disabled\n"
ADDED = "# Additional config from CycleCloud cluster template\n"


def slurm_conf(settings, health):
    """slurm.conf; `health` is the interval and the path of the health check."""
    interval, program = health
    text = KEYS.format(state=f"{settings.directory}/spool/slurmctld", cluster=settings.cluster,
                       launch=settings.get("slurm.launch_parameters", ""), most=settings.get("slurm.max_node_count", 10000),
                       interval=interval, program=program, host=settings.hostname, address=settings.address)
    lines = [twins(line) for line in text.splitlines()]
    lines.append(f"SlurmdParameters={TWIN['SlurmdParameters']}")
    additional = settings.get("slurm.additional.config")
    return "\n".join(lines) + "\n" + (f"\n{ADDED}{additional}\n" if additional else "")


def twins(line):
    """A line as this machine's kernel needs it."""
    key = line.partition("=")[0]
    return f"{key}={TWIN[key]}" if key in TWIN else line


def accounting_conf(settings):
    if not settings.true("slurm.accounting.enabled"):
        return "AccountingStorageType=accounting_storage/none\n"
    return ("AccountingStorageType=accounting_storage/slurmdbd\n"
            f"AccountingStorageHost={settings.hostname}\n"
            "AccountingStorageTRES=gres/gpu\n")


def slurmdbd_conf(settings, certificates):
    """Where the database is, and whom to trust about it."""
    password = settings.get("slurm.accounting.password")
    database = settings.get("slurm.accounting.storageloc") or f"{settings.cluster.replace('-', '_')}_acct_db"
    return "\n".join([
        "AuthType=auth/munge", f"DbdHost={settings.hostname}", "SlurmUser=slurm", "DebugLevel=verbose",
        "LogFile=/var/log/slurmctld/slurmdbd.log", "PidFile=/var/run/slurmdbd.pid",
        "StorageType=accounting_storage/mysql", f"StorageHost={settings.get('slurm.accounting.url') or 'localhost'}",
        f"StorageLoc={database}", f"StoragePass={password}" if password else "#StoragePass=",
        f"StorageUser={settings.get('slurm.accounting.user') or 'root'}",
        f"StorageParameters=SSL_CA=/etc/slurm/{certificates}", ""])
