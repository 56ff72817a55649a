//! A plan for people.

use std::fmt::{self, Display, Formatter};

use serde_json::Value;

use super::{Bill, Changes, Group, Place, Plan, Resource, Right};
use crate::azure::whatif::{ChangeKind, Property};

/// A longer value is cut.
const LONGEST: usize = 160;

impl Display for Plan {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        self.head(f)?;
        if !self.before.is_empty() {
            writeln!(f, "\nbefore the deployment")?;
            for step in &self.before {
                writeln!(f, "  {:<20}  {}", step.phase, step.what)?;
            }
        }
        write!(f, "{}", self.changes)?;
        write_rights(&self.rights, &self.resource_group, f)?;
        write_billing(&self.billing, f)
    }
}

impl Plan {
    fn head(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let group = &self.resource_group;
        let is = if group.exists { "exists" } else { "does not exist yet" };
        writeln!(f, "resource group {} in {}: {is}", group.name, group.region)?;
        if let Some(name) = &self.unchanged_since {
            writeln!(
                f,
                "template and configuration are unchanged since {name}: install deploys them again only with --force"
            )?;
        }
        if !self.has_changes {
            writeln!(f, "nothing would change")?;
        }
        Ok(())
    }
}

impl Display for Changes {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let kinds = [
            (ChangeKind::Create, "create", '+'),
            (ChangeKind::Modify, "modify", '~'),
            (ChangeKind::Delete, "delete", '-'),
            (ChangeKind::Deploy, "deploy again, changed or not", '!'),
        ];
        for (kind, title, sign) in kinds {
            let of_kind: Vec<&Resource> =
                self.resources.iter().filter(|resource| resource.change == kind).collect();
            if !of_kind.is_empty() {
                writeln!(f, "\n{title}: {}", of_kind.len())?;
            }
            let width = of_kind.iter().map(|resource| resource.kind.len()).max().unwrap_or_default();
            for resource in of_kind {
                writeln!(f, "  {sign} {:<width$}  {}", resource.kind, resource.name)?;
                for property in &resource.properties {
                    writeln!(f, "      {}", difference(property))?;
                }
            }
        }
        if !self.open.is_empty() {
            writeln!(f, "\nperhaps, for Azure works the value out only then: {}", self.open.len())?;
        }
        for Place { name, path, .. } in &self.open {
            writeln!(f, "  ? {name}: {path}")?;
        }
        writeln!(f, "\nno change: {}", self.unchanged)?;
        let counts = [
            (self.ignored, "other resources of the group, which stay as they are"),
            (self.noise, "differences that no deployment makes, left out here"),
            (
                self.incomplete.len(),
                "not foreseen by Azure, so that this list is incomplete (see the warning)",
            ),
        ];
        for (count, what) in counts.iter().filter(|(count, _)| *count > 0) {
            writeln!(f, "{what}: {count}")?;
        }
        Ok(())
    }
}

fn difference(property: &Property) -> String {
    let Property { path, before, after, .. } = property;
    format!("{path}: {} -> {}", shown(before), shown(after))
}

fn shown(value: &Value) -> String {
    if value.is_null() {
        return "nothing".to_owned();
    }
    let text = value.to_string();
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{} …", &text[..end]),
        None => text,
    }
}

fn write_rights(rights: &[Right], group: &Group, f: &mut Formatter<'_>) -> fmt::Result {
    writeln!(f, "\nrights that are given: {}", rights.len())?;
    let width =
        |text: fn(&Right) -> &str| rights.iter().map(|right| text(right).len()).max().unwrap_or_default();
    let (roles, whom) = (width(|right| &right.role), width(|right| &right.to));
    for Right { role, to, at, why } in rights {
        let at = match at.strip_prefix(&group.id) {
            Some("") => "the resource group",
            Some(rest) => rest.trim_start_matches("/providers/"),
            None => at,
        };
        writeln!(f, "  {role:<roles$}  to {to:<whom$}  on {at}")?;
        writeln!(f, "      {why}")?;
    }
    Ok(())
}

fn write_billing(bills: &[Bill], f: &mut Formatter<'_>) -> fmt::Result {
    writeln!(f, "\nbills while it exists (prices: https://azure.microsoft.com/pricing/calculator)")?;
    let count = |bill: &Bill| format!("{}{}", if bill.at_most { "0 to " } else { "" }, bill.count);
    let width = |text: &dyn Fn(&Bill) -> usize| bills.iter().map(text).max().unwrap_or_default();
    let counts = width(&|bill| count(bill).len());
    let whats = width(&|bill| bill.what.chars().count());
    let sizes = width(&|bill| bill.size.chars().count());
    for bill in bills {
        let stopped = bill.when_stopped.map_or("?", |bills| if bills { "yes" } else { "no" });
        let by = bill.by.as_deref().unwrap_or("not known to this program");
        let (count, what, size) = (count(bill), &bill.what, &bill.size);
        writeln!(
            f,
            "  {count:>counts$}  {what:<whats$}  {size:<sizes$}  when stopped: {stopped:<3}  by {by}"
        )?;
    }
    Ok(())
}
