//! The keys of `config.yaml`: which there are, what each may hold, and what it is for. Files are checked against this
//! table ([`super::mapping`]), and the JSON Schema is made from it ([`super::schema`]).

use super::rules::{self, Rule};
use super::{network, storage};

/// What a key holds.
pub enum Holds {
    /// A text that a rule accepts.
    Text(Rule),
    /// A whole number from the first to the second.
    Number(u32, u32),
    /// `true` or `false`.
    Flag,
    /// One of these.
    Word(&'static [&'static str]),
    /// The size of the GPU nodes. Judged with the other keys, for one that Azure lists may be allowed.
    GpuSize,
    /// A size of other VMs.
    VmSize,
    /// Tag names and values, so many at most.
    Tags(usize),
    /// A mapping with keys of its own.
    Keys(&'static [Field]),
    /// A mapping whose key `type` says which keys it has; without it, it is the first of these.
    OneOf(&'static [Variant]),
}
use Holds::{Flag, GpuSize, Keys, Number, OneOf, Tags, Text, VmSize, Word};

impl Holds {
    /// What is wrong with a single value.
    pub fn check(&self, text: &str) -> Result<(), String> {
        match self {
            Text(rule) => (rule.check)(text),
            Number(min, max) => rules::number(text, *min, *max).map(drop),
            Flag => rules::flag(text).map(drop),
            Word(words) => rules::one_of(text, words),
            VmSize => rules::vm_size(text).map(drop),
            GpuSize | Tags(_) | Keys(_) | OneOf(_) => Ok(()),
        }
    }
}

/// A key of a mapping.
pub struct Field {
    /// Its name.
    pub name: &'static str,
    /// What it holds.
    pub holds: Holds,
    /// Whether it must be there.
    pub required: bool,
    /// What holds without it; an example of a required one; empty when there is neither.
    pub sample: &'static str,
    /// What it is for, for editors.
    pub about: &'static str,
}

/// A kind of mapping.
pub struct Variant {
    /// The value of `type`.
    pub name: &'static str,
    /// Its other keys.
    pub fields: &'static [Field],
}

const fn required(name: &'static str, example: &'static str, holds: Holds, about: &'static str) -> Field {
    Field { name, holds, required: true, sample: example, about }
}

const fn optional(name: &'static str, default: &'static str, holds: Holds, about: &'static str) -> Field {
    Field { name, holds, required: false, sample: default, about }
}

/// Tags for everything: private DNS zones take 15 (see [`super::tags`]), and one is ours.
const MAX_TAGS: usize = 14;

/// Tags for one resource: with those for everything they stay below the 50 that Azure takes.
const MAX_TAGS_OF_ONE: usize = 30;

/// A sanity limit for vCPUs: a thousand nodes of a thousand.
pub const MAX_CORES: u32 = 1_000_000;

/// VMs in a scale set (learn.microsoft.com/azure/azure-resource-manager/management/azure-subscription-service-limits).
const MAX_SCALE_SET: u32 = 1000;

/// The keys of the document.
pub static KEYS: [Field; 27] = [
    required("region", "eastus", Text(rules::REGION), "Azure region, as in `az account list-locations`."),
    required(
        "resource_group_name",
        "ai-cluster",
        Text(rules::RESOURCE_GROUP),
        "The resource group that holds everything; made when absent.",
    ),
    optional(
        "subscription_name",
        "",
        Text(rules::SUBSCRIPTION_NAME),
        "The subscription's display name. This or subscription_id is required.",
    ),
    optional(
        "subscription_id",
        "",
        Text(rules::SUBSCRIPTION_ID),
        "The subscription's id. This or subscription_name is required.",
    ),
    required("hpc_sku", "Standard_ND96isr_H100_v5", GpuSize, "Size of the GPU nodes."),
    required(
        "hpc_max_core_count",
        "192",
        Number(1, MAX_CORES),
        "vCPUs of all GPU nodes together. What is not a multiple of the size's stays unused.",
    ),
    optional("hpc_max_num_vms", "100", Number(1, MAX_SCALE_SET), "Most VMs in a scale set of GPU nodes."),
    optional("resource_group_tags", "", Tags(MAX_TAGS_OF_ONE), "Tags of the resource group alone."),
    optional(
        "monitor_tags",
        "",
        Tags(MAX_TAGS_OF_ONE),
        "Tags of the monitoring resources, laid over `tags`.",
    ),
    optional("tags", "", Tags(MAX_TAGS), "Tags of every resource and node."),
    optional(
        "cluster_name",
        "slurmcluster",
        Text(rules::CLUSTER_NAME),
        "Name of the Slurm cluster and prefix of its nodes.",
    ),
    optional(
        "admin_user",
        "cycleadmin",
        Text(rules::ADMIN_USER),
        "Administrator on every VM and in CycleCloud.",
    ),
    optional(
        "ssh_public_key_file",
        "",
        Text(rules::PATH),
        "A public key of yours (RSA or Ed25519), absolute, relative to this file, or ~/…; without it a pair is made and \
         kept in the Key Vault.",
    ),
    optional(
        "os",
        "ubuntu2404",
        Word(&["ubuntu2404", "ubuntu2204"]),
        "Operating system of the nodes; the size decides which image of it.",
    ),
    optional("scheduler_sku", "Standard_D8ads_v5", VmSize, "Size of the scheduler."),
    optional("login_sku", "Standard_D8ads_v5", VmSize, "Size of the login nodes."),
    optional("htc_sku", "Standard_F2s_v2", VmSize, "Size of the nodes without GPUs."),
    optional("server_sku", "Standard_D4s_v5", VmSize, "Size of the CycleCloud server."),
    optional("login_nodes", "3", Number(0, 10), "How many login nodes there are."),
    optional("htc_max_core_count", "20", Number(0, MAX_CORES), "vCPUs of all nodes without GPUs together."),
    optional("autoscale", "false", Flag, "Whether Slurm starts and stops nodes by itself."),
    optional("accounting", "true", Flag, "Whether Slurm keeps records of jobs, in a MySQL server."),
    optional("monitoring", "true", Flag, "Whether there are metrics and dashboards."),
    optional("storage", "", OneOf(&STORAGE), "Where the shared files lie."),
    optional("network", "", OneOf(&NETWORK), "The network the cluster lives in."),
    optional(
        "subscription_reader",
        "assign",
        Word(&["assign", "existing"]),
        "Who gives the server Reader on the subscription: the deployment, or an administrator beforehand.",
    ),
    optional("zone", "", Word(&["1", "2", "3"]), "Availability zone of the GPU nodes."),
];

const STORAGE: [Variant; 3] = [
    Variant {
        name: "anf",
        fields: &[
            optional(
                "service_level",
                "Premium",
                Word(&storage::SERVICE_LEVELS),
                "What a TiB of the Azure NetApp Files volume gives in throughput.",
            ),
            optional(
                "size_tib",
                "4",
                Number(storage::SIZES_TIB.0, storage::SIZES_TIB.1),
                "Size of the volume.",
            ),
        ],
    },
    Variant {
        name: "nfs",
        fields: &[required(
            "size_gib",
            "1024",
            Number(storage::SIZES_GIB.0, storage::SIZES_GIB.1),
            "Size of the scheduler's disk, not to be changed later.",
        )],
    },
    Variant {
        name: "existing",
        fields: &[
            required(
                "address",
                "10.1.2.3",
                Text(storage::ADDRESS),
                "IPv4 address or host name of an NFS server of yours.",
            ),
            required("export_path", "/export/home", Text(storage::EXPORT_PATH), "The path it exports."),
            optional(
                "mount_options",
                "",
                Text(storage::MOUNT_OPTIONS),
                "Options of mount(8), separated by commas.",
            ),
        ],
    },
];

const NETWORK: [Variant; 2] = [
    Variant {
        name: "new",
        fields: &[optional(
            "address_space",
            "10.64.0.0/16",
            Text(network::ADDRESS_SPACE),
            "A private network from /8 to /23; the nodes get its upper half.",
        )],
    },
    Variant {
        name: "existing",
        fields: &[
            required(
                "subnets",
                "{cyclecloud: …, compute: …, endpoints: …}",
                Keys(&SUBNETS),
                "Resource ids of subnets of one virtual network.",
            ),
            required(
                "bastion",
                "none",
                Text(network::BASTION),
                "Resource id of a Bastion with native client support; none on a machine in the network.",
            ),
            required(
                "private_dns",
                "new",
                Word(&["new", "existing", "none"]),
                "Who makes the names of private endpoints known: new zones, those the network is linked to, or you.",
            ),
        ],
    },
];

/// A subnet's id for a message.
const ID: &str = "/subscriptions/…/subnets/…";

const SUBNETS: [Field; 4] = [
    required("cyclecloud", ID, Text(network::SUBNET), "Of the CycleCloud server."),
    required("compute", ID, Text(network::SUBNET), "Of the nodes."),
    optional(
        "anf",
        "",
        Text(network::SUBNET),
        "Delegated to Microsoft.NetApp/volumes; only with storage of type anf.",
    ),
    required("endpoints", ID, Text(network::SUBNET), "Of the private endpoints."),
];

/// What is wrong with a single value of the document's key `name`.
pub fn check(name: &str, text: &str) -> Result<(), String> {
    KEYS.iter().find(|field| field.name == name).map_or(Ok(()), |field| field.holds.check(text))
}
