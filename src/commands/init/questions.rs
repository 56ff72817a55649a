//! What has to be decided, from options or, on a terminal, by asking for the rest.

use super::live::Live;
use crate::azure::account::Subscription as Account;
use crate::cli::InitArgs;
use crate::config::{self, Answers, Subscription, Unlisted, nearest};
use crate::dialog::Dialog;
use crate::failure::{Exit, Failure, Problem};
use crate::offers::Offer;
use crate::process::Runner;
use crate::resource_id::is_uuid;
use crate::sizes::Size;
use crate::ui::Ui;
use crate::unlisted;

/// What the options say.
pub struct Given {
    subscription: Option<Subscription>,
    region: Option<String>,
    resource_group: Option<String>,
    size: Option<String>,
    nodes: Option<u32>,
}

impl Given {
    /// The options, each by the rule of its key.
    ///
    /// # Errors
    /// [`Exit::Usage`] with all that are wrong.
    pub fn of(args: &InitArgs) -> Result<Self, Failure> {
        let mut problems = Vec::new();
        let mut judge = |option: &str, key: &str, value: &Option<String>| {
            if let Some(Err(wrong)) = value.as_deref().map(|value| config::check_value(key, value)) {
                problems.push(Problem::new("Usage", format!("{option}: {wrong}")));
            }
        };
        let is_id = args.subscription.as_deref().is_some_and(is_uuid);
        judge(
            "--subscription",
            if is_id { "subscription_id" } else { "subscription_name" },
            &args.subscription,
        );
        judge("--region", "region", &args.region);
        judge("--resource-group", "resource_group_name", &args.resource_group);
        if !problems.is_empty() {
            return Err(Failure::many(Exit::Usage, problems));
        }
        Ok(Self {
            subscription: args.subscription.as_deref().map(named),
            region: args.region.clone(),
            resource_group: args.resource_group.clone(),
            size: args.size.clone(),
            nodes: args.nodes,
        })
    }
}

fn named(text: &str) -> Subscription {
    if is_uuid(text) { Subscription::Id(text.to_lowercase()) } else { Subscription::Name(text.to_owned()) }
}

/// Who asks.
pub struct Questions<'a> {
    /// Whether a size that the table lacks is looked up in Azure's list.
    pub allow_unlisted: bool,
    /// For calls of az.
    pub runner: &'a Runner<'a>,
    /// For what is told meanwhile.
    pub ui: &'a Ui,
}

impl Questions<'_> {
    /// The answers that the options give, with the size.
    ///
    /// # Errors
    /// [`Exit::Usage`] when one is missing or wrong.
    pub fn answers_of(&self, given: Given) -> anyhow::Result<(Answers, Size)> {
        let Given { subscription, region, resource_group, size, nodes } = given;
        let missing: Vec<_> = [
            ("--subscription", subscription.is_none()),
            ("--region", region.is_none()),
            ("--resource-group", resource_group.is_none()),
            ("--size", size.is_none()),
            ("--nodes", nodes.is_none()),
        ]
        .into_iter()
        .filter_map(|(option, is_missing)| is_missing.then_some(option))
        .collect();
        let (Some(subscription), Some(region), Some(resource_group), Some(size), Some(nodes)) =
            (subscription, region, resource_group, size, nodes)
        else {
            let text = format!(
                "there is no terminal to ask on, and these options are missing: {}",
                missing.join(", ")
            );
            return Err(Failure::new(Exit::Usage, "Usage", text)
                .remedy("give them all, or run it on a terminal")
                .into());
        };
        let size = self.size(&subscription, &region, &size)?;
        let cores = cores(nodes, &size)
            .map_err(|wrong| Failure::new(Exit::Usage, "Usage", format!("--nodes: {wrong}")))?;
        Ok((Answers { subscription, region, resource_group, size: size.name.clone(), cores }, size))
    }

    /// The answers, those that no option gives by asking; with the size.
    ///
    /// # Errors
    /// When the input ends, or on an interrupt.
    pub fn ask(&self, given: Given, dialog: &mut Dialog<'_>) -> anyhow::Result<(Answers, Size)> {
        let mut live = Live::new(self.runner, self.ui);
        let subscription = match given.subscription {
            Some(subscription) => subscription,
            None => ask_subscription(dialog, &live.subscriptions()?)?,
        };
        if given.region.is_none() || given.size.is_none() {
            live.choose(&subscription.to_string())?;
        }
        let region = match given.region {
            Some(region) => region,
            None => ask_region(dialog, &live.regions()?)?,
        };
        let (size, room) = match given.size {
            Some(size) => (self.size(&subscription, &region, &size)?, None),
            None => self.ask_size(dialog, &subscription, &region, &live.offers(&region)?)?,
        };
        let nodes = match given.nodes {
            Some(nodes) => nodes,
            None => ask_nodes(dialog, &size, room)?,
        };
        let resource_group = match given.resource_group {
            Some(group) => group,
            None => dialog.ask("Resource group, made when absent", Some("ai-cluster"), |_, text| {
                config::check_value("resource_group_name", text).map(|()| text.to_owned())
            })?,
        };
        let cores = cores(nodes, &size)
            .map_err(|wrong| Failure::new(Exit::Usage, "Usage", format!("--nodes: {wrong}")))?;
        Ok((Answers { subscription, region, resource_group, size: size.name.clone(), cores }, size))
    }

    /// The size of that name: of the table, or when allowed of Azure's list.
    fn size(&self, subscription: &Subscription, region: &str, name: &str) -> anyhow::Result<Size> {
        match config::gpu_size(name) {
            Ok(size) => Ok(size.clone()),
            Err(_) if self.allow_unlisted && config::check_value("scheduler_sku", name).is_ok() => {
                let (subscription, region) = (subscription.to_string(), region.to_owned());
                let wanted = Unlisted { subscription, region, size: name.to_owned() };
                unlisted::look_up(&wanted, self.runner, self.ui)
            }
            Err(wrong) => Err(Failure::new(Exit::Usage, "Usage", wrong).into()),
        }
    }

    /// A size of `offers` by its number, or any by its name; and how many nodes of it the quota has room for.
    fn ask_size(
        &self,
        dialog: &mut Dialog<'_>,
        subscription: &Subscription,
        region: &str,
        offers: &[Offer],
    ) -> anyhow::Result<(Size, Option<u64>)> {
        if !offers.is_empty() {
            dialog.say(&format!("GPU sizes in {region}:"));
            list(dialog, offers.iter().map(Offer::describe));
        }
        let default = offers.iter().position(|offer| offer.nodes().is_some()).map(|_| "1");
        let question =
            if offers.is_empty() { "Size of the GPU nodes" } else { "Size of the GPU nodes, number or name" };
        dialog.ask(question, default, |_, text| {
            if let Some(offer) = numbered(offers, text) {
                return Ok((offer.size.clone(), offer.nodes()));
            }
            let size = self.size(subscription, region, text).map_err(|error| error.to_string())?;
            let room = offers.iter().find(|offer| offer.size.name == size.name).and_then(Offer::nodes);
            Ok((size, room))
        })
    }
}

fn ask_subscription(dialog: &mut Dialog<'_>, accounts: &[Account]) -> anyhow::Result<Subscription> {
    if !accounts.is_empty() {
        dialog.say("Subscriptions:");
        let width = accounts.iter().map(|account| account.name.chars().count()).max().unwrap_or_default();
        list(dialog, accounts.iter().map(|account| format!("{:<width$}  {}", account.name, account.id)));
    }
    let default = (!accounts.is_empty()).then_some("1");
    let question =
        if accounts.is_empty() { "Subscription, name or id" } else { "Subscription, number, name or id" };
    dialog.ask(question, default, |_, text| {
        if let Some(account) = numbered(accounts, text) {
            let is_only = accounts.iter().filter(|other| other.name == account.name).count() == 1;
            let has_fit_name = config::check_value("subscription_name", &account.name).is_ok();
            return Ok(named(if is_only && has_fit_name { &account.name } else { &account.id }));
        }
        let known =
            accounts.is_empty() || accounts.iter().any(|account| account.name == text || account.id == text);
        if !known {
            return Err(format!(
                "az knows no subscription `{text}`; `az account list --all --output table` lists them"
            ));
        }
        let key = if is_uuid(text) { "subscription_id" } else { "subscription_name" };
        config::check_value(key, text).map(|()| named(text))
    })
}

fn ask_region(dialog: &mut Dialog<'_>, regions: &[String]) -> anyhow::Result<String> {
    let question =
        if regions.is_empty() { "Region, such as eastus" } else { "Region, such as eastus (? lists them)" };
    dialog.ask(question, None, |dialog, text| {
        if text == "?" && !regions.is_empty() {
            dialog.say(&regions.join(" "));
            return Err("which one".to_owned());
        }
        config::check_value("region", text)?;
        if regions.is_empty() || regions.iter().any(|region| region == text) {
            return Ok(text.to_owned());
        }
        let names: Vec<_> = regions.iter().map(String::as_str).collect();
        let hint = nearest(text, &names).map(|near| format!("; did you mean {near}")).unwrap_or_default();
        Err(format!("the subscription has no region `{text}`{hint}"))
    })
}

/// `room`: how many the quota that is left has room for.
fn ask_nodes(dialog: &mut Dialog<'_>, size: &Size, room: Option<u64>) -> anyhow::Result<u32> {
    let default = room.map_or(1, |room| room.min(2)).to_string();
    let nodes = dialog.ask("GPU nodes at most", Some(&default), |_, text| {
        let nodes = text.parse::<u32>().ok().filter(|nodes| *nodes > 0);
        let nodes = nodes.ok_or_else(|| format!("`{text}` is not a number of nodes (allowed: 1 or more)"))?;
        cores(nodes, size).map(|_| nodes)
    })?;
    if room.is_some_and(|room| room < u64::from(nodes)) {
        dialog.say(
            "  The quota that is left is too small for them: `ccslurm4ai check` tells how to ask for more.",
        );
    }
    Ok(nodes)
}

/// vCPUs of so many nodes.
fn cores(nodes: u32, size: &Size) -> Result<u64, String> {
    let cores = u64::from(nodes) * u64::from(size.vcpus);
    config::check_value("hpc_max_core_count", &cores.to_string())
        .map(|()| cores)
        .map_err(|_| format!("{nodes} nodes of {} are too many", size.name))
}

fn list(dialog: &mut Dialog<'_>, lines: impl Iterator<Item = String>) {
    for (number, line) in (1..).zip(lines) {
        dialog.say(&format!("{number:>4}  {line}"));
    }
}

/// What stands at the number `text`, counted from 1.
fn numbered<'a, T>(items: &'a [T], text: &str) -> Option<&'a T> {
    items.get(text.parse::<usize>().ok()?.checked_sub(1)?)
}
