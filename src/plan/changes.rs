//! What would change, sorted by kind, without what is no change.

use serde::Serialize;
use serde_json::Value;

use super::noise::{self, Weight};
use crate::azure::whatif::{self, ChangeKind, Prediction, Property};

/// What would change.
#[derive(Debug, Default, Serialize)]
pub struct Changes {
    /// Resources that would be other than they are, by kind of change.
    pub resources: Vec<Resource>,
    /// How many resources are as wanted for sure.
    pub unchanged: usize,
    /// How many resources of the group the template does not know; they stay.
    pub ignored: usize,
    /// How many differences were left out that no deployment makes.
    pub noise: usize,
    /// Properties with a value that Azure works out only when it deploys; whether they differ is not known.
    pub open: Vec<Place>,
    /// What Azure did not foresee at all.
    pub incomplete: Vec<Incomplete>,
}

/// A resource that would change.
#[derive(Debug, Serialize)]
pub struct Resource {
    /// What would become of it.
    pub change: ChangeKind,
    /// Type with namespace.
    #[serde(rename = "type")]
    pub kind: String,
    /// Name with those of its parents.
    pub name: String,
    /// ARM id.
    pub id: String,
    /// What of it would differ.
    pub properties: Vec<Property>,
}

/// A property of a resource.
#[derive(Debug, Serialize)]
pub struct Place {
    /// The resource's name with those of its parents.
    pub name: String,
    /// ARM id of the resource.
    pub id: String,
    /// The property.
    pub path: String,
}

/// Something that Azure did not foresee.
#[derive(Debug, Serialize)]
pub struct Incomplete {
    /// ARM id, or the expression that makes it.
    pub id: String,
    /// Azure's reason.
    pub reason: String,
}

impl Incomplete {
    /// Whether it is a right, which is named after an identity that has no id yet.
    pub fn is_right(&self) -> bool {
        self.id.contains("Microsoft.Authorization/roleAssignments")
    }

    /// Its name, where its id is known.
    pub fn name(&self) -> Option<String> {
        (self.id.starts_with('/')).then(|| kind_and_name(&self.id).1)
    }

    /// The reason without the places that it quotes.
    pub fn kind_of_reason(&self) -> String {
        let parts = self.reason.split('\'').enumerate();
        parts.map(|(at, part)| if at % 2 == 0 { part } else { "'…'" }).collect()
    }
}

impl Changes {
    /// Sorts what Azure foresees.
    pub fn of(prediction: &Prediction) -> Self {
        let mut changes = Self::default();
        for change in &prediction.changes {
            changes.add(change);
        }
        let may = prediction.potential_changes.iter().map(|change| Incomplete {
            id: change.id.clone(),
            reason: "Azure says no more than that it may change".to_owned(),
        });
        let unseen = prediction.diagnostics.iter().map(|diagnostic| Incomplete {
            id: diagnostic.target.clone().unwrap_or_default(),
            reason: format!("{}: {}", diagnostic.code, diagnostic.message),
        });
        changes.incomplete.extend(may.chain(unseen));
        changes.resources.sort_by_key(|resource| resource.change as u8);
        changes
    }

    fn add(&mut self, change: &whatif::Change) {
        match change.kind {
            ChangeKind::Ignore => self.ignored += 1,
            ChangeKind::Unsupported => self.incomplete.push(Incomplete {
                id: change.id.clone(),
                reason: change
                    .unsupported_reason
                    .clone()
                    .unwrap_or_else(|| "Azure does not say why".to_owned()),
            }),
            ChangeKind::NoChange | ChangeKind::Modify => self.add_difference(change),
            ChangeKind::Create | ChangeKind::Delete | ChangeKind::Deploy => {
                self.resources.push(resource(change, Vec::new()))
            }
        }
    }

    fn add_difference(&mut self, change: &whatif::Change) {
        let (kind, name) = kind_and_name(&change.id);
        let (mut real, mut open) = (Vec::new(), false);
        for property in &change.properties {
            match noise::weight(&kind, property) {
                Weight::Noise => self.noise += 1,
                Weight::Open => {
                    open = true;
                    self.open.push(Place {
                        name: name.clone(),
                        id: change.id.clone(),
                        path: property.path.clone(),
                    });
                }
                Weight::Real => real.push(Property {
                    before: without_extras(&property.before),
                    after: without_extras(&property.after),
                    ..property.clone()
                }),
            }
        }
        let noise = real.is_empty() && !open && !change.properties.is_empty();
        if change.kind == ChangeKind::NoChange || noise {
            self.unchanged += 1;
        } else if !real.is_empty() || !open {
            // Also one that is said to be modified, but not in what.
            self.resources.push(resource(change, real));
        }
    }
}

fn resource(change: &whatif::Change, properties: Vec<Property>) -> Resource {
    let (kind, name) = kind_and_name(&change.id);
    Resource { change: change.kind, kind, name, id: change.id.clone(), properties }
}

/// Type and name that an ARM id holds; of an expression its own text.
pub fn kind_and_name(id: &str) -> (String, String) {
    let Some((_, path)) = id.rsplit_once("/providers/").filter(|_| !id.starts_with('[')) else {
        let group = id.split('/').skip(3).take(2).collect::<Vec<_>>();
        return match group[..] {
            [word, name] if word.eq_ignore_ascii_case("resourceGroups") => {
                ("Microsoft.Resources/resourceGroups".to_owned(), name.to_owned())
            }
            _ => (String::new(), id.to_owned()),
        };
    };
    let parts: Vec<&str> = path.split('/').collect();
    let (namespace, rest) = parts.split_first().unwrap_or((&"", &[]));
    let every_second = |from: usize| rest.iter().skip(from).step_by(2).copied().collect::<Vec<_>>().join("/");
    (format!("{namespace}/{}", every_second(0)), every_second(1))
}

/// az writes `resourceGroup` beside every `id` that it prints (azure-cli `core/commands/transform.py`);
/// Azure did not.
fn without_extras(value: &Value) -> Value {
    match value {
        Value::Array(items) => items.iter().map(without_extras).collect(),
        Value::Object(members) => {
            let id = members.get("id").and_then(Value::as_str).unwrap_or_default().to_ascii_lowercase();
            let is_of = |group: &Value| {
                let group = group.as_str().unwrap_or_default().to_ascii_lowercase();
                id.contains(&format!("/resourcegroups/{group}/"))
            };
            let kept = members.iter().filter(|(name, value)| *name != "resourceGroup" || !is_of(value));
            kept.map(|(name, value)| (name.clone(), without_extras(value))).collect()
        }
        value => value.clone(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_id_tells_type_and_name() {
        let group = "/subscriptions/s/resourceGroups/g";
        let cases = [
            (group.to_owned(), "Microsoft.Resources/resourceGroups", "g"),
            (format!("{group}/providers/N.A/t/a"), "N.A/t", "a"),
            (format!("{group}/providers/N.A/t/a/u/b"), "N.A/t/u", "a/b"),
            (format!("{group}/providers/N.A/t/a/providers/N.B/v/c"), "N.B/v", "c"),
            ("/subscriptions/s/providers/N.A/t/a".to_owned(), "N.A/t", "a"),
            ("[f('/providers/N.A/t/a')]".to_owned(), "", "[f('/providers/N.A/t/a')]"),
        ];
        for (id, kind, name) in cases {
            assert_eq!(kind_and_name(&id), (kind.to_owned(), name.to_owned()), "{id}");
        }
    }

    #[test]
    fn what_az_adds_is_taken_off_again() {
        let id = "/subscriptions/s/resourceGroups/G/providers/N.A/t/a";
        let printed =
            json!({"list": [{"id": id, "resourceGroup": "g"}], "own": {"id": "x", "resourceGroup": "g"}});
        let expected = json!({"list": [{"id": id}], "own": {"id": "x", "resourceGroup": "g"}});
        assert_eq!(without_extras(&printed), expected);
    }
}
