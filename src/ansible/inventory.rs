//! What Ansible is handed: one host, and the variables. No secrets in either.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use anyhow::Context;
use serde::Serialize;
use serde_json::{Value, json};

use crate::config::Storage;
use crate::workspace::replace;

/// The CycleCloud server as Ansible reaches it.
#[derive(Debug, Clone)]
pub struct Server {
    /// Where its sshd answers.
    pub address: SocketAddr,
    /// The user to sign in as.
    pub user: String,
    /// The ssh_config(5) file with everything else.
    pub ssh_config: PathBuf,
}

/// Every variable of the playbook.
#[derive(Debug, Clone, Serialize)]
pub struct Variables {
    /// The deployment's output `globalVars`, as it is.
    #[serde(rename = "globalVars")]
    pub global_vars: Value,
    /// What comes from `config.yaml`.
    pub ccslurm4ai: Cluster,
}

/// The cluster as `config.yaml` wants it.
#[derive(Debug, Clone, Serialize)]
pub struct Cluster {
    /// Name of the cluster in CycleCloud.
    pub cluster_name: String,
    /// The admin user of every VM and of CycleCloud.
    pub admin_user: String,
    /// Azure region.
    pub region: String,
    /// Resource group.
    pub resource_group: String,
    /// VM size of the hpc nodes, as `Standard_…`.
    pub hpc_sku: String,
    /// Whether the hpc nodes have InfiniBand, for which they must be placed together.
    pub hpc_infiniband: bool,
    /// GPUs of an hpc node, where Azure's list of sizes says nothing about them.
    pub hpc_unreported_gpus: Option<u32>,
    /// Cores of all hpc nodes together at most.
    pub hpc_max_core_count: u32,
    /// Number of hpc nodes at most.
    pub hpc_node_count: u32,
    /// VMs in one scale set at most.
    pub hpc_max_num_vms: u32,
    /// VM size of the htc nodes.
    pub htc_sku: String,
    /// Cores of all htc nodes together at most.
    pub htc_max_core_count: u32,
    /// VM size of the scheduler.
    pub scheduler_sku: String,
    /// VM size of the login nodes.
    pub login_sku: String,
    /// Number of login nodes.
    pub login_nodes: u32,
    /// Whether nodes start when jobs need them and stop afterwards.
    pub autoscale: bool,
    /// What is behind `/shared`.
    pub storage: Storage,
    /// Whether Slurm writes its jobs into the database.
    pub accounting: bool,
    /// Whether metrics are sent.
    pub monitoring: bool,
    /// Whether a cluster that somebody edited in CycleCloud is overwritten; not from `config.yaml` but `--force`.
    pub force: bool,
    /// Tags of every node.
    pub node_tags: BTreeMap<String, String>,
    /// Images of the nodes.
    pub images: NodeImages,
    /// Availability zone of the GPU nodes.
    pub zone: Option<String>,
    /// Public key of the admin user.
    pub ssh_public_key: String,
}

/// Marketplace URNs, `publisher:offer:sku:version`.
#[derive(Debug, Clone, Serialize)]
pub struct NodeImages {
    /// Of the scheduler.
    pub scheduler: String,
    /// Of the login nodes.
    pub login: String,
    /// Of the htc nodes.
    pub htc: String,
    /// Of the hpc nodes.
    pub hpc: String,
}

/// The files written.
#[derive(Debug, Clone)]
pub struct Files {
    /// For `ansible-playbook -i`.
    pub inventory: PathBuf,
    /// For `ansible-playbook -e @`.
    pub vars: PathBuf,
}

/// Writes `inventory.json` and `vars.json` (0600) into `folder`.
///
/// # Errors
/// When they can't be written.
pub fn write(folder: &Path, server: &Server, variables: &Variables) -> anyhow::Result<Files> {
    std::fs::create_dir_all(folder).with_context(|| format!("making the folder {}", folder.display()))?;
    let files = Files { inventory: folder.join("inventory.json"), vars: folder.join("vars.json") };
    for (path, value) in
        [(&files.inventory, inventory(server)), (&files.vars, serde_json::to_value(variables)?)]
    {
        replace(path, format!("{value:#}\n").as_bytes(), 0o600)?;
    }
    Ok(files)
}

fn inventory(server: &Server) -> Value {
    let config = crate::process::quote(&server.ssh_config.to_string_lossy());
    json!({ "all": { "hosts": { "cycleserver": {
        "ansible_host": server.address.ip(),
        "ansible_port": server.address.port(),
        "ansible_user": server.user,
        // Instead of Ansible's default, which leaves a connection of its own behind for a minute.
        "ansible_ssh_args": "-o ControlMaster=no",
        "ansible_ssh_common_args": format!("-F {config}"),
    } } } })
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn cluster() -> Cluster {
        Cluster {
            cluster_name: "slurm \"x\" 'y'".into(),
            admin_user: "cycleadmin".into(),
            region: "eastus".into(),
            resource_group: "rg".into(),
            hpc_sku: "Standard_ND96isr_H100_v5".into(),
            hpc_infiniband: true,
            hpc_unreported_gpus: None,
            hpc_max_core_count: 192,
            hpc_node_count: 2,
            hpc_max_num_vms: 100,
            htc_sku: "Standard_F2s_v2".into(),
            htc_max_core_count: 20,
            scheduler_sku: "Standard_D8ads_v5".into(),
            login_sku: "Standard_D8ads_v5".into(),
            login_nodes: 3,
            autoscale: false,
            storage: Storage::Nfs { size_gib: 100 },
            accounting: false,
            monitoring: true,
            force: false,
            node_tags: BTreeMap::from([("owner".into(), "me".into())]),
            images: NodeImages { scheduler: "a".into(), login: "b".into(), htc: "c".into(), hpc: "d".into() },
            zone: None,
            ssh_public_key: "ssh-rsa AAAA".into(),
        }
    }

    #[test]
    fn both_files_are_private_and_hold_the_contract() {
        let folder = tempfile::tempdir().unwrap();
        let variables =
            Variables { global_vars: json!({"bastionName": "b", "other": [1]}), ccslurm4ai: cluster() };
        let server = Server {
            address: ([127, 0, 0, 1], 2222).into(),
            user: "cycleadmin".into(),
            ssh_config: "/tmp/a b/config".into(),
        };
        let files = write(&folder.path().join("ansible"), &server, &variables).unwrap();
        let read = |path: &Path| -> Value {
            assert_eq!(std::fs::metadata(path).unwrap().permissions().mode() & 0o777, 0o600);
            serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
        };
        let host = &read(&files.inventory)["all"]["hosts"]["cycleserver"];
        assert_eq!(host["ansible_port"], 2222);
        assert_eq!(host["ansible_ssh_common_args"], "-F '/tmp/a b/config'");
        let vars = read(&files.vars);
        assert_eq!(vars["globalVars"]["other"], json!([1]));
        assert_eq!(vars["ccslurm4ai"]["images"]["hpc"], "d");
        assert_eq!(vars["ccslurm4ai"]["zone"], Value::Null);
        assert_eq!(vars["ccslurm4ai"]["storage"], json!({ "type": "nfs", "size_gib": 100 }));
        assert_eq!(vars["ccslurm4ai"]["cluster_name"], "slurm \"x\" 'y'");
    }
}
