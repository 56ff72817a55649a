//! Which node makes an all-reduce slow: nodes are measured in pairs, members of a slow pair again with a node of a
//! good one, and alone where no pair was good. Nothing here runs a program.

use std::collections::{BTreeMap, BTreeSet};

/// Rounds of pairs: three may be needed until one of three nodes is known to be good, one more for the others.
const ROUNDS: usize = 5;
/// Where no figure is published, a pair is slow below this share of the fastest one.
const SHARE: f64 = 0.85;
/// Pairs that can be compared with each other without a figure, as nodes.
const COMPARABLE: usize = 4;

/// How one test ended.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    /// GB/s.
    Measured(f64),
    /// It did not run to a result; why.
    Broken(String),
}

/// The least that healthy nodes reach, in GB/s.
#[derive(Debug, Clone, Copy)]
pub struct Figures {
    /// One node.
    pub node: f64,
    /// Two nodes, where that is known.
    pub pair: Option<f64>,
}

/// What the measurements say of the nodes, which are numbered from 0.
#[derive(Debug, Clone, PartialEq)]
pub enum Found {
    /// All are good.
    Good,
    /// These are at fault, and why.
    Bad(BTreeMap<usize, String>),
    /// Something is slow between these, and more cannot be told.
    Undecided(Vec<usize>),
    /// The test never ran to a result; why.
    TestFailed(String),
    /// They were measured, but nobody has published what is good.
    NoFigure,
}

/// A group of nodes and how its test ended.
pub type Test = (Vec<usize>, Outcome);

/// Finds the bad ones of `count` nodes by `measure`, which tests groups of one or two nodes side by side. Also returns
/// all that was measured.
///
/// # Errors
/// Those of `measure`.
pub fn hunt<E>(
    count: usize,
    figures: Figures,
    measure: &mut impl FnMut(&[Vec<usize>]) -> Result<Vec<Outcome>, E>,
) -> Result<(Found, Vec<Test>), E> {
    let mut hunt = Hunt { figures, count, suspects: (0..count).collect(), ..Hunt::default() };
    for _ in 0..ROUNDS {
        let groups = hunt.next_pairs();
        if groups.is_empty() {
            break;
        }
        let outcomes = measure(&groups)?;
        hunt.take_pairs(groups.into_iter().zip(outcomes).collect());
    }
    if !hunt.suspects.is_empty() {
        let alone: Vec<Vec<usize>> = hunt.suspects.iter().map(|node| vec![*node]).collect();
        let outcomes = measure(&alone)?;
        hunt.take_single(alone.into_iter().zip(outcomes).collect());
    }
    Ok((hunt.found(), hunt.measured))
}

#[derive(Default)]
struct Hunt {
    figures: Figures,
    count: usize,
    suspects: BTreeSet<usize>,
    good: Vec<usize>,
    bad: BTreeMap<usize, String>,
    measured: Vec<Test>,
}

impl Default for Figures {
    fn default() -> Self {
        Self { node: 0.0, pair: None }
    }
}

impl Hunt {
    /// Each suspect with a good node; while none is known, suspects that were not paired yet.
    fn next_pairs(&self) -> Vec<Vec<usize>> {
        if !self.good.is_empty() {
            let with_good = |(at, suspect): (usize, &usize)| vec![*suspect, self.good[at % self.good.len()]];
            return self.suspects.iter().enumerate().map(with_good).collect();
        }
        let mut free = self.suspects.clone();
        let mut pairs = Vec::new();
        while let Some(one) = free.pop_first() {
            let partner = free.iter().copied().find(|other| !self.was_paired(one, *other));
            if let Some(other) = partner {
                free.remove(&other);
                pairs.push(vec![one, other]);
            }
        }
        pairs
    }

    fn was_paired(&self, one: usize, other: usize) -> bool {
        self.measured.iter().any(|(group, _)| group == &[one, other] || group == &[other, one])
    }

    fn take_pairs(&mut self, results: Vec<Test>) {
        self.measured.extend(results.clone());
        let least = self.least_of_pairs();
        let known: BTreeSet<usize> = self.good.iter().copied().collect();
        for (group, outcome) in results {
            match too_slow(&outcome, least) {
                None => group.iter().for_each(|node| self.clear(*node)),
                Some(why) if known.contains(&group[1]) => {
                    self.suspects.remove(&group[0]);
                    self.bad.insert(group[0], format!("with a good node: {why}"));
                }
                Some(_) => {}
            }
        }
    }

    fn clear(&mut self, node: usize) {
        if self.suspects.remove(&node) {
            self.good.push(node);
        }
    }

    fn take_single(&mut self, results: Vec<Test>) {
        self.measured.extend(results.clone());
        let slow: BTreeMap<usize, String> = results
            .iter()
            .filter_map(|(group, outcome)| Some((group[0], too_slow(outcome, self.figures.node)?)))
            .collect();
        // A test that ends on every node accuses none.
        let works = self.measured.iter().any(|(_, outcome)| matches!(outcome, Outcome::Measured(_)));
        if works {
            self.suspects.retain(|node| !slow.contains_key(node));
            self.bad.extend(slow.into_iter().map(|(node, why)| (node, format!("alone: {why}"))));
        }
    }

    fn least_of_pairs(&self) -> f64 {
        let pairs = self.measured.iter().filter(|(group, _)| group.len() == 2);
        let fastest = pairs.filter_map(|(_, outcome)| speed(outcome)).fold(0.0, f64::max);
        self.figures.pair.unwrap_or(fastest * SHARE)
    }

    fn found(&self) -> Found {
        let broken = |outcome: &Outcome| match outcome {
            Outcome::Broken(why) => Some(why.clone()),
            Outcome::Measured(_) => None,
        };
        let all: Option<Vec<String>> = self.measured.iter().map(|(_, outcome)| broken(outcome)).collect();
        if let Some(why) = all.and_then(|all| all.into_iter().next()) {
            return Found::TestFailed(why);
        }
        if !self.bad.is_empty() {
            return Found::Bad(self.bad.clone());
        }
        match (self.suspects.is_empty(), self.count) {
            (false, 2..) => Found::Undecided(self.suspects.iter().copied().collect()),
            (true, 2..COMPARABLE) if self.figures.pair.is_none() => Found::NoFigure,
            _ => Found::Good,
        }
    }
}

fn speed(outcome: &Outcome) -> Option<f64> {
    match outcome {
        Outcome::Measured(speed) => Some(*speed),
        Outcome::Broken(_) => None,
    }
}

/// Why an outcome is not that of good nodes.
fn too_slow(outcome: &Outcome, least: f64) -> Option<String> {
    match outcome {
        Outcome::Measured(speed) if *speed >= least => None,
        Outcome::Measured(speed) => Some(format!("{speed:.0} GB/s, at least {least:.0} expected")),
        Outcome::Broken(why) => Some(format!("the test does not end well: {why}")),
    }
}

#[cfg(test)]
mod tests;
