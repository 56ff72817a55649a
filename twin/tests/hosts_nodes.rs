//! A cluster on real hosts: real munge, Slurm and MariaDB behind the stand-ins of CycleCloud. Needs root.
#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

mod hosts_support;

use hosts_support::{Cloud, DATABASE, DATABASE_HOST, PASSWORD, SERVER, id};
use serde_json::{Value, json};

const SCHEDULER: &str = "demo-1-scheduler";
const LOGIN: &str = "demo-1-login1";
/// What cluster-init runs on the scheduler and on nodes of `htc`, out of order.
const PROBE: &[(&str, &str)] = &[
    ("20-last.sh", "#!/bin/sh\necho last >> /root/order"),
    (
        "10-first.sh",
        "#!/bin/bash\necho first >> /root/order\nenv | grep -E ^CYCLECLOUD_\nsystemctl is-active munge slurmctld\n\
         if [ -e /shared/break ]; then echo broken on purpose; exit 3; fi",
    ),
    ("notes.txt", "no script"),
];

fn parameters(more: &Value) -> Value {
    let mut all = json!({"Identity": id("Microsoft.ManagedIdentity/userAssignedIdentities/locker"),
        "AdditionalSlurmConfig": "SuspendTime=-1\nJobAcctGatherType=jobacct_gather/linux"});
    for (name, value) in more.as_object().unwrap() {
        all[name] = value.clone();
    }
    all
}

/// Every line of `wanted` is one of the output's.
fn has_lines(output: &str, wanted: &[&str]) {
    for line in wanted {
        assert!(output.lines().any(|known| known.trim() == *line), "no line {line} in:\n{output}");
    }
}

#[test]
fn jobs_run_on_nodes_that_an_administrator_starts() {
    let cloud = Cloud::up("bad_nodes: {demo-1-hpc-2: {gpus: 7, slow: true}}");
    let volume = cloud.volume();
    cloud.database();
    cloud.project("probe", PROBE);
    cloud.import(
        "slurm.txt",
        &parameters(&json!({
            "SharedAddress": volume, "SharedOptions": "rw,hard,rsize=262144,wsize=262144,vers=3,tcp,_netdev,nconnect=8",
            "Accounting": true, "AccountingUrl": DATABASE, "AccountingUser": "slurmadmin", "AccountingPassword": PASSWORD,
        })),
    );
    the_scheduler_waits_for_its_database(&cloud);
    the_platform_lays_down_what_upstream_does(&cloud);
    the_agent_says_what_a_node_is(&cloud);
    scripts_run_in_order_with_upstreams_environment(&cloud);
    mounts_are_checked(&cloud, &volume);
    an_administrator_starts_nodes_and_all_run_jobs(&cloud);
    hardware_is_played(&cloud);
    the_database_takes_no_plain_connection(&cloud);
    users_come_and_are_kept_apart(&cloud);
    azslurm_refuses(&cloud);
    an_administrator_ends_nodes(&cloud);
}

fn the_scheduler_waits_for_its_database(cloud: &Cloud) {
    cloud.ok(DATABASE_HOST, "systemctl stop mysql");
    cloud.start(&[("login1", "Ready")]);
    cloud.until(SCHEDULER, "tail -n 2 /var/log/azure-slurm-install.log", "starting slurmdbd");
    cloud.until(SERVER, "cyclecloud show_nodes scheduler -c Demo-1", "Status = \"Preparing\"");
    cloud.ok(DATABASE_HOST, "systemctl start mysql");
    cloud.start(&[("scheduler", "Ready")]);
}

fn the_platform_lays_down_what_upstream_does(cloud: &Cloud) {
    let ids = "for user in slurm munge slurmrestd boss guest; do id -u $user; done";
    for host in [SCHEDULER, LOGIN] {
        assert_eq!(cloud.ok(host, ids), "11100\n11101\n11102\n20001\n20002\n");
        for name in ["slurm.conf", "azure.conf", "gres.conf", "cgroup.conf", "site_specific.conf"] {
            let link = cloud.ok(host, &format!("readlink /etc/slurm/{name}"));
            assert_eq!(link, format!("/sched/demo-1/{name}\n"));
        }
    }
    has_lines(
        &cloud.ok(LOGIN, "cat /etc/slurm/slurm.conf"),
        &[
            "ClusterName=demo-1",
            "PrivateData=cloud",
            "PrologFlags=alloc",
            "ReconfigFlags=KeepPowerSaveSettings",
            "SlurmctldParameters=idle_on_node_suspend",
            "ResumeProgram=/opt/azurehpc/slurm/resume_program.sh",
            "SuspendTime=300",
            "SuspendTime=-1",
            "MaxNodeCount=10000",
            "HealthCheckProgram=/sched/demo-1/health.sh",
            "LaunchParameters=use_interactive_step",
            "Include azure.conf",
        ],
    );
    let azure = cloud.ok(LOGIN, "cat /etc/slurm/azure.conf /etc/slurm/gres.conf");
    has_lines(
        &azure,
        &[
            "PartitionName=hpc Nodes=Demo-1-hpc-[1-2] Default=YES DefMemPerCPU=19253 MaxTime=INFINITE State=UP",
            "Nodename=Demo-1-hpc-[1-2] Feature=cloud STATE=FUTURE CPUs=96 ThreadsPerCore=1 RealMemory=1848320 Gres=gpu:8",
            "PartitionName=htc Nodes=Demo-1-htc-[1-2] Default=NO DefMemPerCPU=1536 MaxTime=INFINITE State=UP",
            "Nodename=Demo-1-htc-[1-2] Feature=cloud STATE=FUTURE CPUs=2 ThreadsPerCore=1 RealMemory=3072",
            "Nodename=Demo-1-hpc-[1-2] Name=gpu Count=8 File=/dev/nvidia[0-7]",
        ],
    );
    assert_eq!(cloud.ok(SCHEDULER, "stat -c '%a %U' /etc/slurm/slurmdbd.conf -L"), "600 slurm\n");
    assert!(!azure.contains(PASSWORD));
    cloud.refused(LOGIN, "ls /etc/slurm/slurmdbd.conf", "No such file");
}

fn the_agent_says_what_a_node_is(cloud: &Cloud) {
    let says = |key: &str| cloud.ok(LOGIN, &format!("/opt/cycle/jetpack/bin/jetpack config {key}"));
    assert_eq!(says("slurm.role"), "login\n");
    assert_eq!(says("test.project"), "Demo-1!\n");
    assert_eq!(says("test.flag"), "True\n");
    assert_eq!(says("cyclecloud.node.name"), "login1\n");
    assert_eq!(says("azure.metadata.compute.vmSize"), "Standard_D8ads_v5\n");
    assert_eq!(says("none.such other"), "other\n");
    cloud.refused(LOGIN, "/opt/cycle/jetpack/bin/jetpack config none.such", "'none.such' not found");
    cloud.refused(LOGIN, "su - guest -c 'jetpack config slurm.role'", "Permission denied");
    assert_eq!(cloud.as_user("boss", LOGIN, "jetpack config slurm.role"), "login\n");
    assert!(cloud.ok(LOGIN, "getent ahostsv4 demo-1-scheduler").contains("10.64.1."));
    let text = "curl -sH Metadata:true $AZURE_POD_IDENTITY_AUTHORITY_HOST/metadata/instance/compute/vmSize";
    let asked = format!("{text}?api-version=2021-02-01");
    assert_eq!(cloud.ok(LOGIN, &format!("{text}'?api-version=2021-02-01&format=text'")), "Standard_D8ads_v5");
    assert!(cloud.ok(LOGIN, &format!("{asked} -w '%{{http_code}}'")).ends_with("400"));
}

fn scripts_run_in_order_with_upstreams_environment(cloud: &Cloud) {
    let log = "/opt/cycle/jetpack/logs";
    assert_eq!(cloud.ok(SCHEDULER, "cat /root/order"), "first\nlast\n");
    has_lines(
        &cloud.ok(SCHEDULER, &format!("cat {log}/cluster-init/probe/default/scripts/10-first.sh.out")),
        &[
            "CYCLECLOUD_PROJECT_NAME=probe",
            "CYCLECLOUD_PROJECT_PATH=/mnt/cluster-init/probe",
            "CYCLECLOUD_SPEC_NAME=default",
            "CYCLECLOUD_SPEC_PATH=/mnt/cluster-init/probe/default",
            "CYCLECLOUD_HOME=/opt/cycle/jetpack",
            "inactive", // the services start after all specs
        ],
    );
    let specs = cloud.ok(
        SCHEDULER,
        &format!("sed -n \"s/.*for project '\\(.*\\) v.*' spec '\\(.*\\)'/\\1:\\2/p\" {log}/jetpack.log"),
    );
    assert_eq!(specs, "healthagent:default\nslurm:default\nslurm:scheduler\nprobe:default\n");
    cloud.ok(SCHEDULER, "/opt/cycle/jetpack/bin/jetpack converge --cluster-init");
    assert_eq!(cloud.ok(SCHEDULER, "cat /root/order"), "first\nlast\n", "what has run does not run again");
    cloud.ok(SCHEDULER, "rm /mnt/cluster-init/.run/probe/default/20-last.sh; /opt/cycle/jetpack/bin/jetpack converge --cluster-init");
    assert_eq!(cloud.ok(SCHEDULER, "cat /root/order"), "first\nlast\nlast\n");
}

fn mounts_are_checked(cloud: &Cloud, volume: &str) {
    let mounted = cloud.ok(LOGIN, "cat /etc/fstab");
    let options = "rw,hard,rsize=262144,wsize=262144,vers=3,tcp,_netdev,nconnect=8";
    assert!(mounted.contains(&format!("{volume}:/shared /shared nfs {options} 0 0\n")), "{mounted}");
    let server = cloud.ok(SCHEDULER, "hostname -I").trim().to_owned();
    assert!(mounted.contains(&format!("{server}:/sched /sched nfs defaults 0 0\n")), "{mounted}");
    cloud.ok(LOGIN, "mkdir -p /mnt/x && touch /shared/seen");
    assert_eq!(cloud.ok(SCHEDULER, "ls /shared/seen"), "/shared/seen\n");
    let mount = |source: &str, options: &str| format!("mount -t nfs -o {options} {source} /mnt/x");
    let own = format!("{volume}:/shared");
    for (source, options, why) in [
        (&*own, "rw,nonsense", "an incorrect mount option was specified"),
        (&own, "nconnect=17", "an incorrect mount option was specified"),
        (&own, "vers=4.1", "Protocol not supported"),
        (&format!("{volume}:/other"), "vers=3", "access denied by server"),
        ("10.64.3.99:/shared", "vers=3", "Connection timed out"),
        ("nobody:/shared", "vers=3", "Failed to resolve server nobody"),
    ] {
        cloud.refused(LOGIN, &mount(source, options), why);
    }
    cloud.refused(LOGIN, &format!("mount -t nfs {own} /mnt/none"), "/mnt/none");
    cloud.refused(
        SERVER,
        &format!("mkdir /mnt/x; {}", mount(&own, "vers=3")),
        "access denied by server while mounting",
    );
    cloud.ok(LOGIN, &format!("{} && test -e /mnt/x/seen && umount /mnt/x", mount(&own, "ro,vers=3")));
}

fn an_administrator_starts_nodes_and_all_run_jobs(cloud: &Cloud) {
    let future = cloud.as_user("guest", LOGIN, "sinfo; scontrol show nodes --future");
    assert!(
        future.contains("infinite      0    n/a") && future.contains("NodeName=Demo-1-htc-2"),
        "{future}"
    );
    cloud.refused(
        LOGIN,
        "su - guest -c 'ssh -n demo-1-scheduler sudo -n azslurm nodes'",
        "a password is required",
    );
    cloud.as_user("boss", LOGIN, "ssh -n demo-1-scheduler sudo azslurm resume --node-list Demo-1-hpc-[1-2]");
    cloud.until(LOGIN, "sinfo -h -p hpc -o '%t %D'", "idle 2");
    let names = "demo-1-hpc-1\ndemo-1-hpc-2\n";
    for user in ["boss", "guest"] {
        assert_eq!(cloud.as_user(user, LOGIN, "srun -Q -N2 --gres=gpu:8 hostname </dev/null | sort"), names);
    }
    let job =
        "cd; sbatch -W -p hpc -N1 --gres=gpu:4 -o out --wrap 'echo $CUDA_VISIBLE_DEVICES; id -un'; cat out";
    let output = cloud.as_user("guest", LOGIN, job);
    assert!(output.ends_with("0,1,2,3\nguest\n"), "{output}");
    cloud.until(
        LOGIN,
        "su - guest -c 'sacct -nXP -o user,state,nnodes,alloctres'",
        "guest|COMPLETED|1|billing=1,cpu=1,gres/gpu=4,mem=",
    );
    let nodes = cloud.ok(SCHEDULER, "/root/bin/azslurm nodes");
    assert!(nodes.contains("Demo-1-hpc-2") && nodes.contains("Ready"), "{nodes}");
    let comment = "sacctmgr show cluster -nP format=cluster; scontrol show node Demo-1-hpc-1";
    assert!(cloud.ok(LOGIN, comment).starts_with("demo-1\n"));
}

fn hardware_is_played(cloud: &Cloud) {
    let gpus = |node: u8| format!("srun -Q -w Demo-1-hpc-{node} nvidia-smi -L </dev/null | wc -l");
    assert_eq!(cloud.as_user("guest", LOGIN, &format!("{}; {}", gpus(1), gpus(2))), "8\n7\n");
    let run = |nodes: &str| {
        let options = "--mpi=pmix --gpus-per-node=8 --ntasks-per-node=8 --mem=0 --cpu-bind=mask_cpu:ffffffffffff,ffffffffffff000000000000";
        let program = "/opt/nccl-tests/build/all_reduce_perf -b 8 -e 16G -f 2 -g 1";
        cloud.as_user("boss", LOGIN, &format!("srun -Q {nodes} {options} {program} </dev/null"))
    };
    let (good, bad) = (run("-N1 -w Demo-1-hpc-1"), run("-N2"));
    assert!(
        good.contains("Avg bus bandwidth    : 156.742") && good.matches("17179869184").count() == 1,
        "{good}"
    );
    assert!(bad.contains("Avg bus bandwidth    : 1.38997"), "{bad}");
    let query = "srun -Q -w Demo-1-hpc-1 nvidia-smi --query-gpu=index,memory.total --format=csv,nounits </dev/null | tail -n 1";
    assert_eq!(cloud.as_user("guest", LOGIN, query), "7, 81559\n");
}

fn the_database_takes_no_plain_connection(cloud: &Cloud) {
    let ask = |password: &str, more: &str| {
        format!("mariadb -h {DATABASE} -u slurmadmin -p'{password}' {more} -Ne 'show databases'")
    };
    let trusted = "--ssl-ca=/etc/ssl/certs/ca-certificates.crt --ssl-verify-server-cert";
    assert!(cloud.ok(SCHEDULER, &ask(PASSWORD, trusted)).contains("demo_1_acct_db"));
    cloud.refused(SCHEDULER, &ask(PASSWORD, "--skip-ssl"), "insecure transport are prohibited");
    cloud.refused(SCHEDULER, &ask("other", trusted), "Access denied");
}

fn users_come_and_are_kept_apart(cloud: &Cloud) {
    cloud.user("late", 20003, "Global Node User");
    for host in [SCHEDULER, LOGIN, "demo-1-hpc-1", "demo-1-hpc-2"] {
        cloud.until(host, "id -u late", "20003");
    }
    assert_eq!(cloud.as_user("late", LOGIN, "srun -Q -N1 -p hpc id -un </dev/null"), "late\n");
    cloud.refused(LOGIN, "su - guest -c 'sudo -n id'", "a password is required");
    assert_eq!(cloud.as_user("boss", LOGIN, "sudo -n id -u"), "0\n");
    assert_eq!(cloud.as_user("boss", LOGIN, "ssh -n demo-1-hpc-1 hostname 2>/dev/null"), "demo-1-hpc-1\n");
    assert_eq!(cloud.ok(LOGIN, "stat -c '%U %a' /shared/home/guest/.ssh/id_rsa"), "guest 600\n");
}

fn azslurm_refuses(cloud: &Cloud) {
    let azslurm = "/root/bin/azslurm";
    let resume = format!("{azslurm} resume --node-list");
    cloud.refused(SCHEDULER, &format!("{resume} Demo-1-hpc-[2-3]"), "Unknown node name(s): Demo-1-hpc-3");
    cloud.refused(SCHEDULER, azslurm, "usage");
    cloud.refused(SCHEDULER, &format!("{azslurm} resume"), "--node-list");
    cloud.refused(SCHEDULER, &format!("{azslurm} cost"), "does not play cost");
    cloud.refused(SCHEDULER, &format!("{azslurm} nodes -c /none"), "No such file");
    cloud.refused(
        SCHEDULER,
        "su - guest -c '/opt/azurehpc/slurm/venv/bin/azslurm nodes'",
        "Permission denied",
    );
    cloud.ok(SCHEDULER, &format!("{resume} Demo-1-hpc-1")); // runs already: nothing to do
    let conf = cloud.ok(SCHEDULER, "cat /etc/slurm/azure.conf");
    assert_eq!(cloud.ok(SCHEDULER, &format!("{azslurm} partitions")), conf);
}

fn an_administrator_ends_nodes(cloud: &Cloud) {
    let script = "/opt/cycle/jetpack/scripts/onTerminate.sh";
    cloud.ok("demo-1-hpc-1", &format!("mkdir -p /opt/cycle/jetpack/scripts; printf '#!/bin/sh\\nhostname > /shared/bye\\n' > {script}; chmod +x {script}"));
    cloud.as_user("boss", LOGIN, "ssh -n demo-1-scheduler sudo azslurm suspend --node-list Demo-1-hpc-[1-2]");
    cloud.until(SERVER, "cyclecloud show_nodes -c Demo-1 | grep -c ^Name", "2\n");
    assert_eq!(cloud.ok(LOGIN, "cat /shared/bye"), "demo-1-hpc-1\n");
    let states = cloud.ok(LOGIN, "scontrol show nodes --future -o | grep -o ' State=[^ ]*' | sort -u");
    assert_eq!(states, " State=FUTURE\n");
    let sets = format!("{}?api-version=2025-04-01", id("Microsoft.Compute/virtualMachineScaleSets"));
    assert_eq!(cloud.arm("GET", &sets, None).1["value"], json!([]));
}

#[test]
fn a_cluster_starts_and_ends_its_nodes_itself_and_a_failing_script_stops_one() {
    let cloud = Cloud::up("");
    cloud.project("probe", PROBE);
    cloud.import(
        "slurm.txt",
        &parameters(&json!({"AdditionalSlurmConfig": "SuspendTime=5\nSuspendTimeout=5\nResumeTimeout=120"})),
    );
    cloud.start(&[("scheduler", "Ready"), ("login1", "Ready")]);
    assert_eq!(cloud.ok(LOGIN, "sinfo -h -o '%P %t %D'"), "hpc* idle~ 2\nhtc idle~ 2\n");
    cloud.ok(LOGIN, "touch /shared/break");
    let job = cloud.as_user("guest", LOGIN, "cd; sbatch --parsable -p htc -o out --wrap 'hostname; date'");
    let node = "cyclecloud show_nodes Demo-1-htc-1 -c Demo-1";
    cloud.until(SERVER, node, "Status = \"Failed\"");
    let shown = cloud.ok(SERVER, node);
    assert!(
        shown.contains("Software Installation Failure: Failed to execute cluster-init script")
            && shown.contains("(return code: 3)")
            && shown.contains("broken on purpose"),
        "{shown}"
    );
    let log = "/opt/cycle/jetpack/logs/cluster-init/probe/default/scripts/10-first.sh.out";
    assert!(cloud.ok("demo-1-htc-1", &format!("cat {log}")).contains("broken on purpose"));
    cloud.refused("demo-1-htc-1", "systemctl is-active slurmd", "inactive");
    cloud.ok(LOGIN, "rm /shared/break");
    cloud.ok(SCHEDULER, "/root/bin/azslurm retry_failed_nodes");
    cloud.until(LOGIN, "cat /shared/home/guest/out", "demo-1-htc-1");
    cloud.until(LOGIN, &format!("squeue -hj {} 2>&1 | wc -l", job.trim()), "0\n");
    cloud.until(LOGIN, "sinfo -h -p htc -o '%t %D'", "idle~ 2\n");
    cloud.until(SERVER, "cyclecloud show_nodes -c Demo-1 | grep -c ^Name", "2\n");
}
