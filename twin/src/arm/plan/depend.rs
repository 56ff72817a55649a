//! Which resource waits for which: `dependsOn`, references, batches of serial loops.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use super::invalid_template;
use super::nodes::{DEPLOYMENTS, Node};
use crate::arm::expr::args::get;
use crate::arm::expr::eval::Env;
use crate::arm::expr::frame::Frame;
use crate::arm::expr::json;
use crate::arm::expr::open;
use crate::arm::expr::parse::{self, Expr};
use crate::arm::id::ResourceId;
use crate::arm::program::{Instance, Program};
use crate::azure::error::AzureError;

/// Names under which expressions and `dependsOn` find the nodes: positions by name in lower case.
pub struct Names {
    positions: BTreeMap<String, Vec<usize>>,
}

impl Names {
    /// Collects the names, and fills those of `program`.
    pub fn new(program: &mut Program, nodes: &[Node], symbolic: bool, loops: &[(String, String)]) -> Names {
        let mut names = Names { positions: BTreeMap::new() };
        for (symbol, copy) in loops {
            for name in [symbol, copy] {
                names.positions.entry(name.to_ascii_lowercase()).or_default();
                program.loops.entry(name.to_ascii_lowercase()).or_default();
            }
        }
        for (position, node) in nodes.iter().enumerate() {
            names.add(program, position, node, symbolic);
        }
        names
    }

    fn add(&mut self, program: &mut Program, position: usize, node: &Node, symbolic: bool) {
        let mut instance = |key: &str| {
            let key = key.to_ascii_lowercase();
            program.instances.entry(key).or_insert_with(|| node.instance.clone());
        };
        let Instance { id, .. } = &node.instance;
        if !id.is_empty() {
            instance(id);
            self.point(id, position);
        }
        let known = !node.name.is_empty() && open::source(id).is_none();
        if !symbolic && known {
            let typed =
                ResourceId::parse(id).and_then(|id| Some(id.full.split_once("/providers/")?.1.to_owned()));
            for name in [Some(node.name.clone()), typed].into_iter().flatten() {
                instance(&name);
                self.point(&name, position);
            }
        }
        match &node.copy {
            None => {
                instance(&node.symbol);
                self.point(&node.symbol, position);
            }
            Some((copy, index)) => {
                for name in BTreeSet::from([copy, &node.symbol]) {
                    let one = format!("{name}[{index}]").to_ascii_lowercase();
                    program.instances.entry(one.clone()).or_insert_with(|| node.instance.clone());
                    program.loops.entry(name.to_ascii_lowercase()).or_default().push(one.clone());
                    self.point(&one, position);
                    self.point(name, position);
                }
            }
        }
    }

    fn point(&mut self, name: &str, position: usize) {
        let positions = self.positions.entry(name.to_ascii_lowercase()).or_default();
        if !positions.contains(&position) {
            positions.push(position);
        }
    }

    fn find(&self, name: &str) -> Option<&Vec<usize>> {
        self.positions.get(&name.to_ascii_lowercase())
    }
}

/// For each node the nodes it waits for, existing and absent ones included.
pub fn edges(env: &Env, nodes: &[Node], names: &Names) -> Result<Vec<BTreeSet<usize>>, AzureError> {
    let mut edges = vec![BTreeSet::new(); nodes.len()];
    for (position, node) in nodes.iter().enumerate().filter(|(_, node)| node.instance.present) {
        edges[position] = explicit(env, node, names)?;
        edges[position].extend(implicit(env, node, names));
        edges[position].extend(earlier_batch(env, position, node, nodes));
    }
    acyclic(nodes, &edges)?;
    Ok(edges)
}

fn explicit(env: &Env, node: &Node, names: &Names) -> Result<BTreeSet<usize>, AzureError> {
    let mut found = BTreeSet::new();
    let frame = node.frame();
    for entry in get(&node.template, "dependsOn").and_then(Value::as_array).into_iter().flatten() {
        let value = json::value(env, entry, &frame).map_err(|fault| invalid_template(fault.message()))?;
        let name = value.as_str().unwrap_or_default();
        if open::source(name).is_some() && names.find(name).is_none() {
            continue; // which one is known later
        }
        let positions = names.find(name).ok_or_else(|| {
            invalid_template(format!(
                "The resource '{name}' is not defined in the template. Please see https://aka.ms/arm-syntax for usage details."
            ))
        })?;
        found.extend(positions);
    }
    Ok(found)
}

/// Resources of the template that the node's expressions ask about with `reference` and its kin.
fn implicit(env: &Env, node: &Node, names: &Names) -> BTreeSet<usize> {
    let mut found = BTreeSet::new();
    let mut search = Search { env, frame: node.frame(), names, found: &mut found };
    for (key, value) in &node.template {
        match value {
            Value::Object(properties)
                if key == "properties" && node.kind.eq_ignore_ascii_case(DEPLOYMENTS) =>
            {
                let outside: Map<String, Value> = properties
                    .iter()
                    .filter(|(key, _)| *key != "template")
                    .map(|(k, v)| (k.clone(), v.clone()))
                    .collect();
                search.json(&Value::Object(outside));
            }
            value if key != "dependsOn" => search.json(value),
            _ => {}
        }
    }
    found
}

struct Search<'a> {
    env: &'a Env<'a>,
    frame: Frame,
    names: &'a Names,
    found: &'a mut BTreeSet<usize>,
}

impl Search<'_> {
    fn json(&mut self, value: &Value) {
        match value {
            Value::String(text) if parse::is_expression(text) => {
                if let Ok(expr) = parse::parse(&text[1..text.len() - 1]) {
                    self.expr(&expr);
                }
            }
            Value::Array(items) => items.iter().for_each(|item| self.json(item)),
            Value::Object(object) => object.values().for_each(|item| self.json(item)),
            _ => {}
        }
    }

    fn expr(&mut self, expr: &Expr) {
        match expr {
            Expr::Property(of, _) => self.expr(of),
            Expr::Index(of, index) => {
                self.expr(of);
                self.expr(index);
            }
            Expr::Call(name, arguments) => {
                if name.to_ascii_lowercase().starts_with("reference")
                    || name.to_ascii_lowercase().starts_with("list")
                {
                    self.target(arguments);
                }
                arguments.iter().for_each(|argument| self.expr(argument));
            }
            Expr::Text(_) | Expr::Number(_) => {}
        }
    }

    /// Names inside loops over properties or lambdas are unknown here; those resources are in `dependsOn` anyway.
    fn target(&mut self, arguments: &[Expr]) {
        let value = arguments.first().and_then(|first| self.env.eval(first, &self.frame).ok());
        let positions = value.as_ref().and_then(Value::as_str).and_then(|name| self.names.find(name));
        self.found.extend(positions.into_iter().flatten());
    }
}

/// In a serial loop an instance waits for those of the batch before.
fn earlier_batch(env: &Env, position: usize, node: &Node, nodes: &[Node]) -> BTreeSet<usize> {
    let (Some((_, index)), Some(copy)) = (&node.copy, node.template.get("copy")) else {
        return BTreeSet::new();
    };
    if !copy["mode"].as_str().is_some_and(|mode| mode.eq_ignore_ascii_case("serial")) {
        return BTreeSet::new();
    }
    let size = json::value(env, &copy["batchSize"], &Frame::default()).ok().and_then(|size| size.as_i64());
    let batch = index / size.unwrap_or(1).max(1);
    let before = |(other, candidate): &(usize, &Node)| {
        *other != position
            && candidate.symbol == node.symbol
            && candidate.copy.as_ref().is_some_and(|(_, index)| index / size.unwrap_or(1).max(1) == batch - 1)
    };
    nodes.iter().enumerate().filter(before).map(|(other, _)| other).collect()
}

/// Wording of Azure's documentation of circular dependencies.
fn acyclic(nodes: &[Node], edges: &[BTreeSet<usize>]) -> Result<(), AzureError> {
    let mut done = BTreeSet::new();
    loop {
        let ready: Vec<usize> =
            (0..nodes.len()).filter(|at| !done.contains(at) && edges[*at].is_subset(&done)).collect();
        if ready.is_empty() {
            break;
        }
        done.extend(ready);
    }
    match (0..nodes.len()).find(|at| !done.contains(at)) {
        None => Ok(()),
        Some(stuck) => Err(invalid_template(format!(
            "Circular dependency detected on resource: '{}'. Please see https://aka.ms/arm-syntax-resources for usage details.",
            nodes[stuck].instance.id
        ))),
    }
}

/// What a step waits for: written resources only. An existing one stands for what it waits for itself; one whose
/// condition is false is left out.
pub fn written(nodes: &[Node], edges: &[BTreeSet<usize>], position: usize) -> BTreeSet<usize> {
    let mut found = BTreeSet::new();
    let mut open: Vec<usize> = edges[position].iter().copied().collect();
    let mut seen = BTreeSet::new();
    while let Some(next) = open.pop() {
        if !nodes[next].instance.present || !seen.insert(next) {
            continue;
        }
        if nodes[next].existing {
            open.extend(&edges[next]);
        } else {
            found.insert(next);
        }
    }
    found
}
