//! One write and what its rules need to know.

use serde_json::{Map, Value, json};

use super::Put;
use super::shape::without_nulls;
use crate::arm::World;
use crate::arm::id::ResourceId;

/// A write on its way through the rules of its type.
pub struct Ask<'a> {
    /// The write.
    pub put: &'a Put,
    /// Its id, taken apart.
    pub id: ResourceId,
    /// The body without nulls.
    pub body: Value,
    /// The resource as it is before, null if there is none.
    pub old: Value,
    /// The simulated Azure.
    pub world: &'a dyn World,
    /// Canonical type.
    pub kind: &'static str,
}

impl<'a> Ask<'a> {
    /// Prepares a write; `None` if its id names no resource.
    pub fn new(put: &'a Put, kind: &'static str, world: &'a dyn World) -> Option<Ask<'a>> {
        let id = ResourceId::parse(&put.id)?;
        let old = world.resource(&put.id).unwrap_or(Value::Null);
        Some(Ask { put, id, body: without_nulls(&put.body), old, world, kind })
    }

    /// Namespace of the type.
    pub fn namespace(&self) -> &'static str {
        self.kind.split('/').next().unwrap_or_default()
    }

    /// Subscription of the resource.
    pub fn subscription(&self) -> &str {
        self.id.subscription().unwrap_or_default()
    }

    /// Region of the body, as Azure writes it: `East US` is `eastus`.
    pub fn location(&self) -> String {
        region(self.body["location"].as_str().unwrap_or_default())
    }

    /// The value at a JSON pointer of the body.
    pub fn at(&self, pointer: &str) -> &Value {
        self.body.pointer(pointer).unwrap_or(&Value::Null)
    }

    /// The string at a JSON pointer of the body; empty if there is none.
    pub fn text(&self, pointer: &str) -> &str {
        self.at(pointer).as_str().unwrap_or_default()
    }

    /// What a resource keeps of itself over rewrites: the old value at a pointer, else a new one.
    pub fn kept(&self, pointer: &str, new: impl FnOnce() -> Value) -> Value {
        self.old.pointer(pointer).filter(|value| !value.is_null()).cloned().unwrap_or_else(new)
    }

    /// An id that stays.
    pub fn guid(&self, pointer: &str) -> Value {
        self.kept(pointer, || json!(self.world.new_uuid().to_string()))
    }

    /// A new entity tag, as Network writes them.
    pub fn etag(&self) -> String {
        format!("W/\"{}\"", self.world.new_uuid())
    }

    /// The resource with these properties: id, name, type, location, and the tags and other members of the request.
    pub fn resource(&self, properties: Value) -> Value {
        let mut resource = json!({"name": self.id.last_name(), "id": self.kept("/id", || json!(self.put.id)), "type": self.kind});
        if !self.body["location"].is_null() {
            resource["location"] = json!(self.location());
        }
        for member in ["tags", "zones", "sku", "kind", "plan"] {
            if !self.body[member].is_null() {
                resource[member] = self.body[member].clone();
            }
        }
        resource["properties"] = properties;
        resource
    }

    /// The request's properties with members of Azure's laid under them.
    pub fn properties(&self, defaults: Value) -> Map<String, Value> {
        over(defaults, &self.body["properties"])
    }
}

/// `top` laid over `base`, member by member.
pub fn over(base: Value, top: &Value) -> Map<String, Value> {
    let mut merged = match base {
        Value::Object(base) => base,
        _ => Map::new(),
    };
    for (name, value) in top.as_object().into_iter().flatten() {
        merged.insert(name.clone(), value.clone());
    }
    merged
}

/// A region's name as Azure writes it in ids.
pub fn region(name: &str) -> String {
    name.to_ascii_lowercase().replace(' ', "")
}

/// The last name of an id.
pub fn last_of(id: &str) -> &str {
    id.rsplit('/').next().unwrap_or_default()
}

/// The items of an array; none if it is no array.
pub fn items(value: &Value) -> &[Value] {
    value.as_array().map(Vec::as_slice).unwrap_or_default()
}

/// Adds `{"id": id}` to a list of references unless it is there.
pub fn link(body: &mut Value, list: &str, id: &str) {
    let entries = &mut body["properties"][list];
    if !entries.is_array() {
        *entries = json!([]);
    }
    if let Value::Array(entries) = entries
        && !entries
            .iter()
            .any(|entry| entry["id"].as_str().is_some_and(|other| other.eq_ignore_ascii_case(id)))
    {
        entries.push(json!({ "id": id }));
    }
}
