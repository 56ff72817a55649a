//! Where the behaviour of hosts and stand-ins comes from; printed into `twin/CLAIMS.md`.

use crate::claims::{
    Claim,
    Sure::{High, Low, Medium},
    claim,
};

const CLI: &str = "MicrosoftDocs/azure-docs articles/cyclecloud/cli.md";
const INSTALL: &str = "Azure/cyclecloud-slurm-workspace bicep/install.sh";
const INSTALL_PY: &str = "Azure/cyclecloud-slurm-workspace bicep/files-to-load/cyclecloud_install.py";
const PARSING: &str = "MicrosoftDocs/azure-docs articles/cyclecloud/cluster-references/special-parsing.md";
const TEMPLATE: &str =
    "MicrosoftDocs/azure-docs articles/cyclecloud/cluster-references/cluster-template-reference.md";
const PROJECTS: &str = "MicrosoftDocs/azure-docs articles/cyclecloud/how-to/projects.md";
const USERS: &str = "MicrosoftDocs/azure-docs articles/cyclecloud/how-to/user-access.md";
const JETPACK: &str = "MicrosoftDocs/azure-docs articles/cyclecloud/jetpack.md";
const SLURM_INSTALL: &str = "Azure/cyclecloud-slurm azure-slurm-install/install.py";
const AZSLURM: &str = "Azure/cyclecloud-slurm azure-slurm/slurmcc/cli.py, partition.py, util.py";
const INFERRED: &str = "no source found: inferred";

/// One row for each behaviour.
pub const CLAIMS: &[Claim] = &[
    claim(
        "host: the osProfile's user has its authorized keys, no password, and sudo without one",
        "Azure/WALinuxAgent azurelinuxagent/common/osutil/default.py (`/etc/sudoers.d/waagent`)",
        High,
    ),
    claim(
        "host: customData lies in /var/lib/waagent/CustomData, as it was sent",
        "Azure/WALinuxAgent README.md, Provisioning.DecodeCustomData",
        High,
    ),
    claim(
        "host: sshd takes keys only, as with linuxConfiguration.disablePasswordAuthentication",
        "MicrosoftDocs/azure-compute-docs, Linux VM SSH keys",
        Medium,
    ),
    claim("host: every address is one hop away and nothing outside answers", INFERRED, Low),
    claim(
        "host: the network's name service knows hosts by the names that they give themselves, and private endpoints \
         by the public names of their services",
        "learn.microsoft.com, virtual-networks-name-resolution-for-vms-and-role-instances, private-endpoint-dns",
        High,
    ),
    claim(
        "host: a MySQL server is MariaDB; its administrator may connect over TLS only, with Azure's certificate",
        "learn.microsoft.com, mysql/flexible-server/how-to-connect-tls-ssl",
        Medium,
    ),
    claim(
        "host: mount.nfs binds a folder of this machine; it refuses unknown options, versions, exports and clients \
         in the real one's words",
        "nfs-utils utils/mount, man nfs(5); an Azure NetApp Files volume's exportPolicy and protocolTypes",
        Medium,
    ),
    claim(
        "host of an ND H100 size: device files of its GPUs; nvidia-smi, ibstat and all_reduce_perf print recorded \
         outputs, on a node that the scenario calls bad those of fewer GPUs or of a slow run",
        "twin/hosts/h100/opt/ccslurm4ai-twin/recordings/README.md",
        Medium,
    ),
    claim("server: portal on 443 with a certificate of its own, nodes on 9443", INSTALL, High),
    claim("server: ready 3 s after its start; the real one takes a minute or more", INSTALL_PY, Medium),
    claim(
        "cycle_server await_startup, status, start [--wait], stop, restart: exit 0 or a sentence",
        INSTALL_PY,
        Medium,
    ),
    claim("cycle_server must be run as root", INFERRED, Low),
    claim(
        "server: Prometheus and node_exporter are there already, as stand-ins: nothing can be fetched, nothing is sent",
        INFERRED,
        Low,
    ),
    claim(
        "data folder: .json and .txt are imported and renamed to .imported; records merge by key",
        INSTALL_PY,
        High,
    ),
    claim(
        "data folder: a file that cycle_server cannot read stays; a bad one becomes .failed",
        INFERRED,
        Low,
    ),
    claim("data folder: text records are Name = expression, parted by empty lines", INSTALL, High),
    claim("execute: select with where, order by, limit; update with set and where", INSTALL, High),
    claim(
        "execute: text prints Name = value lines, a blank line after each record; --format json and csv",
        INSTALL,
        High,
    ),
    claim("execute: other statements and unknown types are refused", INFERRED, Low),
    claim(
        "run_action Run:Application.Timer of plugin.azure.monitor_reference loads machine types",
        INSTALL,
        High,
    ),
    claim("run_action Retry:Cloud.Locker tries a locker again", INSTALL, High),
    claim("cyclecloud: without ~/.cycle/config.ini every command is refused", PROJECTS, Medium),
    claim("cyclecloud initialize --batch proves the login and writes config.ini, 0600", CLI, Medium),
    claim(
        "cyclecloud: a wrong password is refused; an unknown certificate too unless verification is off",
        INSTALL,
        Medium,
    ),
    claim("account show: `Credentials: NAME`, or `Account not found` with exit status 0", INSTALL_PY, High),
    claim(
        "account create: unknown or missing keys, a second account of that name, and a resource group that the \
         identity cannot read are refused",
        INSTALL_PY,
        Medium,
    ),
    claim("locker: called ACCOUNT-storage; listed as `NAME (az://ACCOUNT/CONTAINER)`", INSTALL, High),
    claim(
        "locker: Created once the server's identity can write a blob there; after a minute only Retry tries again",
        INSTALL,
        Medium,
    ),
    claim("machine types: none until the identity can read the subscription's sizes", INSTALL, High),
    claim(
        "project upload: name from project.ini, version 1.0.0 by default, type scheduler or application",
        PROJECTS,
        High,
    ),
    claim(
        "project upload: blobs projects/NAME/VERSION/SPEC/cluster-init/…, with the identity's token",
        PROJECTS,
        High,
    ),
    claim(
        "project upload: prints `Uploading to az://…/projects/NAME/VERSION (100%)`, the same for its blobs, and \
         `Upload complete!`",
        "CycleCloud lab transcripts (cyclecloud-slurm tutorials with `cyclecloud project upload`)",
        Medium,
    ),
    claim("template: sections, ranks and kinds; names ignore case", TEMPLATE, High),
    claim(
        "template: $Name, ${expression}, :=, lists, triple quotes, the documented functions and operators",
        PARSING,
        High,
    ),
    claim(
        "template: `Parameter X is not known (referenced by node Y)`",
        "Azure/cyclecloud-slurm issue 253",
        High,
    ),
    claim(
        "template: Extends inherits all but Abstract; defaults come first",
        "Azure/cyclecloud-slurm templates/slurm.txt",
        High,
    ),
    claim(
        "import: a parameter that the template does not define, or a required one without value, is refused",
        CLI,
        Low,
    ),
    claim(
        "import: unknown account, machine type of the region, and malformed subnet, image or cluster-init are refused",
        INSTALL,
        Medium,
    ),
    claim(
        "import: a cluster-init spec that is not in the locker is refused; the real server lets the node fail with \
         Software Installation Failure",
        PROJECTS,
        Medium,
    ),
    claim(
        "import: images only as URN publisher:offer:sku:version; package names are not modelled",
        INFERRED,
        Low,
    ),
    claim(
        "import: an existing cluster needs --force; running nodes stay",
        "Azure/cyclecloud-slurm README.md",
        High,
    ),
    claim(
        "import, start: print `Importing cluster T and creating cluster N....`, `Starting cluster N....` and the \
         cluster's frame with `Resource group:`, `Cluster nodes:`, `Total nodes:`",
        "MicrosoftDocs/azure-docs articles/cyclecloud/how-to/bursting/slurm-cloud-bursting-setup.md",
        Medium,
    ),
    claim("export_parameters: every parameter with its value or default, as JSON", CLI, Medium),
    claim("start_cluster returns at once; named nodes that run are left alone", CLI, High),
    claim(
        "nodes: Off, Acquiring, Preparing, Ready, Failed; State is Started once ready",
        "MicrosoftDocs/azure-docs articles/cyclecloud/how-to/start-cluster.md",
        High,
    ),
    claim("nodes: a network interface and a VM, called CLUSTER-NODE", INFERRED, Low),
    claim(
        "nodes: tags Name, ClusterName, CycleOwner, ClusterId, CycleCloudCluster, LaunchTime, and the template's own",
        "MicrosoftDocs/azure-docs articles/cyclecloud/how-to/tag-nodes.md",
        High,
    ),
    claim(
        "nodes: the VM's user is cyclecloud with the server's /opt/cycle_server/.ssh/cyclecloud.pem",
        USERS,
        High,
    ),
    claim("show_nodes: by name, -c, --states, --attrs, --output with %(Name)s, --format json", CLI, High),
    claim(
        "node: users with role Global Node Admin or Global Node User and a UID; only the first has sudo",
        USERS,
        High,
    ),
    claim("node: homes below /shared/home", USERS, High),
    claim("node: its agent is told what to do through customData and reports to port 9443", INFERRED, Low),
    claim(
        "node: jetpack config KEY [DEFAULT] reads node.json, which root and the group cyclecloud may do; an unknown \
         key without default fails",
        JETPACK,
        Medium,
    ),
    claim(
        "node: mounts and exports come from cyclecloud.mounts and cyclecloud.exports, an address left out is the \
         scheduler's",
        "MicrosoftDocs/azure-docs articles/cyclecloud/how-to/mount-fileserver.md",
        Medium,
    ),
    claim(
        "node: cluster-init runs the scripts of each spec in the template's order and by name, with CYCLECLOUD_SPEC_PATH \
         and others; one that succeeded is not run again; output below /opt/cycle/jetpack/logs/cluster-init",
        PROJECTS,
        High,
    ),
    claim(
        "node: a failing script puts it in Failed with `Software Installation Failure` and the output's end; `retry` \
         runs what has not succeeded",
        PROJECTS,
        Medium,
    ),
    claim(
        "node: specs of cyclecloud/slurm, cyclecloud/healthagent and cyclecloud/monitoring come with the server, in \
         the versions of its 8.9 series",
        "Azure/cyclecloud-slurm, Azure/cyclecloud-healthagent, Azure/cyclecloud-monitoring project.ini",
        Medium,
    ),
    claim(
        "node: scheduled events run onTerminate.sh and others; the event waits for success, or its time",
        "MicrosoftDocs/azure-docs articles/cyclecloud/how-to/scheduled-events.md",
        High,
    ),
    claim(
        "node of a nodearray: a member of a scale set, one set for each placement group; its name and host name are \
         Slurm's",
        "Azure/cyclecloud-slurm azure-slurm/slurmcc/allocation.py; names of sets are inferred",
        Medium,
    ),
    claim(
        "REST API on 443 for the cluster's own user: clusters/NAME/status, nodes, nodes/create, nodes/shutdown, \
         cloud/actions/retry",
        "Azure/cyclecloud-scalelib src/hpc/autoscale/ccbindings; MicrosoftDocs/azure-docs articles/cyclecloud/api.md",
        Medium,
    ),
    claim(
        "slurm: users 11100 to 11102, munge key and configuration below /sched/CLUSTER with links in /etc/slurm, \
         keys of slurm.conf, accounting.conf and slurmdbd.conf",
        SLURM_INSTALL,
        High,
    ),
    claim(
        "slurm: Debian's Slurm is on every host already; slurm.conf differs in ProctrackType, TaskPlugin and \
         SlurmdParameters, cgroup.conf in CgroupPlugin: this kernel gives hosts no cgroups and no such hardware",
        "the twin's own, read in twin/hosts/node: slurm_install",
        High,
    ),
    claim(
        "slurm: pyxis, enroot, slurmrestd, its exporter, and job_submit plugins are not installed",
        SLURM_INSTALL,
        High,
    ),
    claim(
        "slurm: slurmdbd is started again when it ends, which Debian's client library makes it do on an empty server \
         (error 5027 on a connection tried before the database was there)",
        "observed: slurmdbd 24.11.5 with MariaDB Connector/C of 11.8.9",
        High,
    ),
    claim(
        "slurm: after all specs start munge, then slurmdbd, slurmctld and azslurmd, or slurmd; each must answer",
        "Azure/cyclecloud-slurm azure-slurm-install/start-services.sh, recipes/delayed_services.rb",
        High,
    ),
    claim(
        "azslurm 4.0.9: its verbs, azure.conf and gres.conf from the cluster's status, memory held back, SuspendTime \
         as the switch of autoscale; on the scheduler only, for root",
        AZSLURM,
        High,
    ),
    claim("azslurm: cost, reimage, remove_nodes, restart, shell are refused as not played", AZSLURM, High),
    claim(
        "azslurmd: a node that CycleCloud does not have goes down with cyclecloud_no_node, one it has for nothing with \
         cyclecloud_zombie_node; KeepAlive keeps a node from being suspended",
        "Azure/cyclecloud-slurm azure-slurm/slurmcc/azslurmd.py, allocation.py",
        Medium,
    ),
    claim(
        "healthagent: the scripts that Slurm calls are there and find nothing; no agent is behind them",
        "Azure/cyclecloud-healthagent specs/default",
        Medium,
    ),
    claim(
        "monitoring: prometheus.yml is written with the platform's labels and remote write; no Prometheus reads it",
        "Azure/cyclecloud-monitoring specs/default",
        Medium,
    ),
];
