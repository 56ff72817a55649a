//! What there is before anything is deleted, and what of it is ours.

use std::collections::BTreeMap;

use serde_json::Value;

use super::grants::{self, Outside};
use crate::azure::contents::{self, Contents, Resource, ScaleSet, Vm, site_of};
use crate::azure::deployment::Deployments;
use crate::azure::locks::{self, Lock};
use crate::azure::made::Made;
use crate::azure::vault::Vault;
use crate::azure::{Az, AzError, Kind, assignments, group};
use crate::config::{Config, Network};
use crate::failure::Exit;
use crate::threads::joined;
use crate::ui::{Event, Ui};

const VAULTS: &str = "Microsoft.KeyVault/vaults";

/// The resource group as it is found.
pub struct Group {
    /// Its region.
    pub location: String,
    /// Made by this program, so that it goes as a whole.
    pub is_ours: bool,
    /// Azure is deleting it already.
    pub is_going: bool,
}

/// Resources told apart by who made them.
#[derive(Default)]
pub struct Selection {
    /// What CycleCloud made for the cluster: nodes with their interfaces and disks.
    pub nodes: Vec<Resource>,
    /// What our deployments made.
    pub deployed: Vec<Resource>,
    /// What others made.
    pub foreign: Vec<Resource>,
}

/// A Key Vault that Azure keeps as deleted.
pub struct KeptVault {
    /// Its name.
    pub name: String,
    /// For how many days; not said of one that is deleted already.
    pub days: Option<u64>,
}

/// What there is before anything is deleted.
pub struct Survey {
    /// ARM id of the group, whether it exists or not.
    pub group_id: String,
    /// The group, if it exists.
    pub group: Option<Group>,
    /// What our deployments made.
    pub made: Made,
    /// The resources of the group.
    pub resources: Selection,
    /// Its VMs.
    pub vms: Vec<Vm>,
    /// Its scale sets that have VMs.
    pub sets: Vec<ScaleSet>,
    /// Key vaults that stay recoverable.
    pub vaults: Vec<KeptVault>,
    /// What of ours lies outside.
    pub outside: Outside,
    /// Locks that forbid it.
    pub locks: Vec<Lock>,
}

impl Survey {
    /// Reads everything; changes nothing.
    ///
    /// # Errors
    /// When Azure does not answer one of the questions that must be decided.
    pub fn take(az: &Az<'_>, ui: &Ui, config: &Config) -> anyhow::Result<Self> {
        let name = &config.resource_group_name;
        let group_id = az.group_id(name);
        let deployments = Deployments::new(az, ui, name);
        let subscriptions = subscriptions(az, config);
        let (found, made, contents, sets, assigned, locks) = std::thread::scope(|scope| {
            let made = scope.spawn(|| deployments.made());
            let contents = scope.spawn(|| Contents::read(az, name));
            let sets = scope.spawn(|| contents::scale_sets(az, name));
            let assigned = scope.spawn(|| in_each(&subscriptions, |one| assignments::list(az, one)));
            let locks = scope.spawn(|| in_each(&subscriptions, |one| locks::list(az, one)));
            let found = group::find(az, name);
            (found, joined(made), joined(contents), joined(sets), joined(assigned), joined(locks))
        });
        let (made, contents) = (made?, contents.map_err(failed)?);
        let assigned = readable(ui, assigned)?;
        let locks = readable(ui, locks)?;
        let group = found?.map(|group| Group::of(&group));
        let vms = contents.vms.clone();
        let resources = Selection::of(contents, &made);
        let mut survey = Self {
            group_id,
            group,
            made,
            resources,
            vms,
            sets: sets.map_err(failed)?,
            vaults: Vec::new(),
            outside: Outside::default(),
            locks: Vec::new(),
        };
        survey.outside = grants::outside(az, &survey, assigned)?;
        survey.vaults = match survey.group {
            Some(_) => survey.vaults_to_keep(az)?,
            None => vault_kept(az, ui, config)?,
        };
        survey.locks = locks.into_iter().filter(|lock| survey.is_forbidden_by(lock)).collect();
        Ok(survey)
    }

    /// Whether the group goes as a whole.
    pub fn is_whole(&self) -> bool {
        self.group.as_ref().is_some_and(|group| group.is_ours)
    }

    /// Whether anything of ours is in Azure.
    pub fn has_work(&self) -> bool {
        self.group.is_some() || !self.outside.assignments.is_empty()
    }

    /// The resources that go.
    pub fn going(&self) -> impl Iterator<Item = &Resource> {
        let Selection { nodes, deployed, foreign } = &self.resources;
        let others = if self.is_whole() { foreign.as_slice() } else { &[] };
        nodes.iter().chain(deployed).chain(others)
    }

    /// The resource that a principal is the identity of, or the principal's object id.
    pub fn name_of_principal<'a>(&'a self, object_id: &'a str) -> &'a str {
        let own = |resource: &&Resource| resource.principal.as_deref() == Some(object_id);
        self.going().find(own).map_or(object_id, |resource| &resource.name)
    }

    fn is_forbidden_by(&self, lock: &Lock) -> bool {
        let whole = self.is_whole() && lock.forbids(&self.group_id);
        whole
            || self.going().any(|resource| lock.forbids(&resource.id))
            || self.outside.assignments.iter().any(|(one, _)| lock.forbids(&one.id))
    }

    fn vaults_to_keep(&self, az: &Az<'_>) -> anyhow::Result<Vec<KeptVault>> {
        let vaults = self.going().filter(|resource| resource.kind.eq_ignore_ascii_case(VAULTS));
        let kept = vaults.map(|vault| {
            let path = format!("{}?api-version=2026-02-01", vault.id);
            let found = az.rest_get(&path, "reading for how long the key vault is kept");
            let days = match found {
                Err(AzError { kind: Kind::NotFound(_), .. }) => None,
                found => found
                    .map_err(failed)?
                    .pointer("/properties/softDeleteRetentionInDays")
                    .and_then(Value::as_u64),
            };
            Ok(KeptVault { name: vault.name.clone(), days })
        });
        kept.collect()
    }
}

impl Group {
    fn of(document: &Value) -> Self {
        let (mark, value) = group::OURS;
        Self {
            location: document["location"].as_str().unwrap_or_default().to_owned(),
            is_ours: document["tags"][mark] == value,
            is_going: group::is_deleting(document),
        }
    }
}

impl Selection {
    /// Who made each resource. CycleCloud's nodes carry its site, which is the id of the VM it runs on; what Azure made
    /// beside a resource or in it, tagged or not, is its owner's.
    pub fn of(contents: Contents, made: &Made) -> Self {
        let parts = contents.parts();
        let Contents { resources, vms, .. } = contents;
        let servers = vms.iter().filter(|vm| made.wrote(&vm.id));
        let sites: Vec<String> = servers.filter_map(|vm| vm.vm_id.as_deref()).map(site_of).collect();
        let maker = |resource: &Resource| {
            let started_for = resource.started_for.as_deref().unwrap_or_default().to_ascii_lowercase();
            if sites.iter().any(|site| started_for.starts_with(site)) {
                Maker::CycleCloud
            } else if made.wrote(&resource.id) || resource.cluster.is_some() {
                Maker::Deployment
            } else {
                Maker::Others
            }
        };
        let makers: BTreeMap<String, Maker> =
            resources.iter().map(|one| (one.id.to_ascii_lowercase(), maker(one))).collect();
        let mut selection = Self::default();
        for resource in resources {
            let id = resource.id.to_ascii_lowercase();
            let whole = || id.rmatch_indices('/').find_map(|(at, _)| makers.get(&id[..at]));
            let owner = parts.get(&id).and_then(|owner| makers.get(owner));
            match owner.or_else(whole).filter(|owner| **owner != Maker::Others).or_else(|| makers.get(&id)) {
                Some(Maker::CycleCloud) => selection.nodes.push(resource),
                Some(Maker::Deployment) => selection.deployed.push(resource),
                Some(Maker::Others) | None => selection.foreign.push(resource),
            }
        }
        selection
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Maker {
    CycleCloud,
    Deployment,
    Others,
}

/// The vault that an earlier removal left.
fn vault_kept(az: &Az<'_>, ui: &Ui, config: &Config) -> anyhow::Result<Vec<KeptVault>> {
    let vault = Vault::new(az, &config.resource_group_name, &config.region, &config.admin_user);
    let found = vault.is_deleted().map(|is_deleted| is_deleted.then(|| vault.name.clone()));
    let names = readable(ui, vec![found.map(|name| name.into_iter().collect())])?;
    Ok(names.into_iter().map(|name| KeptVault { name, days: None }).collect())
}

/// The subscriptions where something of ours may be: the group's, and that of a network that was there.
fn subscriptions(az: &Az<'_>, config: &Config) -> Vec<String> {
    let mut all = vec![az.subscription().to_owned()];
    if let Network::Existing(network) = &config.network {
        let other = network.subnets.compute.subscription.clone();
        all.extend(Some(other).filter(|other| !other.eq_ignore_ascii_case(az.subscription())));
    }
    all
}

type Listed<T> = Result<Vec<T>, AzError>;

fn in_each<T>(subscriptions: &[String], list: impl Fn(&str) -> Listed<T>) -> Vec<Listed<T>> {
    subscriptions.iter().map(|subscription| list(subscription)).collect()
}

/// Lists that take rights which a caller may lack; what one would have told is then found out by Azure's refusal.
fn readable<T>(ui: &Ui, lists: Vec<Listed<T>>) -> anyhow::Result<Vec<T>> {
    let mut all = Vec::new();
    for listed in lists {
        match listed {
            Err(error) if matches!(error.kind, Kind::Forbidden(_) | Kind::NotFound(_)) => {
                ui.event(Event::Warning { text: &format!("not decided: {error}") });
            }
            listed => all.extend(listed.map_err(failed)?),
        }
    }
    Ok(all)
}

/// As a failure of this command.
#[allow(clippy::needless_pass_by_value, reason = "for map_err")]
pub(super) fn failed(error: AzError) -> crate::failure::Failure {
    error.failure(Exit::Deployment)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::azure::contents::Interface;

    const VM: &str = "Microsoft.Compute/virtualMachines";
    const DISK: &str = "Microsoft.Compute/disks";
    const NIC: &str = "Microsoft.Network/networkInterfaces";

    fn id(kind: &str, name: &str) -> String {
        format!("/subscriptions/s/resourceGroups/g/providers/{kind}/{name}")
    }

    fn resource(kind: &str, name: &str) -> Resource {
        let (kind, name, id) = (kind.to_owned(), name.to_owned(), id(kind, name));
        Resource { id, kind, name, started_for: None, cluster: None, principal: None }
    }

    fn started(name: &str, site: &str) -> Resource {
        Resource { started_for: Some(format!("/sites/{site}/clusters/c")), ..resource(VM, name) }
    }

    fn vm(name: &str, vm_id: &str, parts: &[String]) -> Vm {
        let parts = parts.iter().cloned().map(Some).chain([None]).collect();
        let id = id(VM, name).to_uppercase();
        Vm { id, size: "Standard_D4s_v5".into(), vm_id: Some(vm_id.into()), parts, power: None }
    }

    #[test]
    fn makers_are_told_by_deployments_tags_and_what_is_attached() {
        let endpoint = "Microsoft.Network/privateEndpoints";
        let contents = Contents {
            resources: vec![
                resource(VM, "cycleserver"),
                resource(DISK, "of-server"),
                started("scheduler", "ABC"),
                resource(DISK, "of-scheduler"),
                resource(VM, "scheduler/extensions/sign-in"),
                started("other", "xyz"),
                resource(DISK, "of-other"),
                resource(VM, "other/extensions/sign-in"),
                Resource { cluster: Some("c".into()), ..resource(DISK, "left-of-server") },
                resource(endpoint, "endpoint"),
                resource(NIC, "of-endpoint"),
                resource(NIC, "theirs"),
            ],
            vms: vec![
                vm("cycleserver", "abc", &[id(DISK, "of-server")]),
                vm("scheduler", "1", &[id(DISK, "of-scheduler")]),
                vm("other", "2", &[id(DISK, "of-other")]),
            ],
            interfaces: vec![
                Interface { id: id(NIC, "of-endpoint"), endpoint: Some(id(endpoint, "endpoint")) },
                Interface { id: id(NIC, "theirs"), endpoint: None },
            ],
        };
        let written = [id(VM, "cycleserver"), id(endpoint, "endpoint")].map(|id| id.to_lowercase());
        let made = Made { written: BTreeSet::from(written), ..Made::default() };
        let names = |list: &[Resource]| list.iter().map(|one| one.name.clone()).collect::<Vec<_>>().join(" ");
        let selection = Selection::of(contents, &made);
        assert_eq!(names(&selection.nodes), "scheduler of-scheduler scheduler/extensions/sign-in");
        assert_eq!(names(&selection.deployed), "cycleserver of-server left-of-server endpoint of-endpoint");
        assert_eq!(names(&selection.foreign), "other of-other other/extensions/sign-in theirs");
    }
}
