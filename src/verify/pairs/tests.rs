//! Every one bad node is named, and never a good one.

use std::convert::Infallible;

use proptest::prelude::*;

use super::*;

const KNOWN: Figures = Figures { node: 460.0, pair: Some(400.0) };
const UNKNOWN: Figures = Figures { node: 460.0, pair: None };

/// How a bad node shows.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Illness {
    /// In every test.
    Slow,
    /// Over the network alone.
    Network,
    /// Tests on it do not end well.
    Crash,
}

fn run(count: usize, figures: Figures, bad: &[usize], illness: Illness) -> (Found, usize) {
    let mut tests = 0;
    let mut measure = |groups: &[Vec<usize>]| {
        let mut seen = BTreeSet::new();
        tests += groups.len();
        let outcome = |group: &Vec<usize>| {
            assert!(
                (1..=2).contains(&group.len()) && group.iter().collect::<BTreeSet<_>>().len() == group.len()
            );
            seen.insert(group.clone());
            let healthy = if group.len() == 1 { 483.0 } else { 487.0 };
            match group.iter().any(|node| bad.contains(node)) {
                true if illness == Illness::Crash => Outcome::Broken("segfault".into()),
                true if illness == Illness::Slow || group.len() == 2 => Outcome::Measured(3.15),
                _ => Outcome::Measured(healthy),
            }
        };
        Ok::<_, Infallible>(groups.iter().map(outcome).collect())
    };
    let Ok((found, _)) = hunt(count, figures, &mut measure);
    (found, tests)
}

fn named(found: &Found) -> Vec<usize> {
    match found {
        Found::Bad(bad) => bad.keys().copied().collect(),
        _ => Vec::new(),
    }
}

proptest! {
    #[test]
    fn any_one_bad_node_is_named(count in 3_usize..40, at in any::<prop::sample::Index>(), illness in 0..3) {
        let illness = [Illness::Slow, Illness::Network, Illness::Crash][illness as usize];
        let bad = at.index(count);
        let (found, tests) = run(count, KNOWN, &[bad], illness);
        prop_assert_eq!(named(&found), vec![bad], "{:?}", found);
        prop_assert!(tests <= count / 2 + 4, "{} tests of {} nodes", tests, count);
        if count >= COMPARABLE {
            prop_assert_eq!(named(&run(count, UNKNOWN, &[bad], illness).0), vec![bad]);
        }
    }

    #[test]
    fn a_good_node_is_never_named(count in 1_usize..12, bad in proptest::collection::btree_set(0_usize..12, 0..12), illness in 0..3) {
        let illness = [Illness::Slow, Illness::Network, Illness::Crash][illness as usize];
        let bad: Vec<usize> = bad.into_iter().filter(|node| *node < count).collect();
        let (found, _) = run(count, KNOWN, &bad, illness);
        prop_assert!(named(&found).iter().all(|node| bad.contains(node)), "{:?}", found);
        prop_assert_eq!(found == Found::Good, bad.is_empty() || (count == 1 && illness == Illness::Network));
    }
}

#[test]
fn of_two_the_slow_one_shows_alone_or_both_are_named_as_undecided() {
    assert_eq!(named(&run(2, KNOWN, &[1], Illness::Slow).0), [1]);
    assert_eq!(named(&run(2, KNOWN, &[0], Illness::Crash).0), [0]);
    assert_eq!(run(2, KNOWN, &[1], Illness::Network).0, Found::Undecided(vec![0, 1]));
    assert_eq!(run(2, UNKNOWN, &[], Illness::Slow).0, Found::NoFigure);
}

#[test]
fn one_node_is_measured_alone() {
    assert_eq!(run(1, KNOWN, &[], Illness::Slow), (Found::Good, 1));
    assert_eq!(named(&run(1, KNOWN, &[0], Illness::Slow).0), [0]);
}

#[test]
fn a_test_that_never_runs_accuses_no_node() {
    for count in 1..6 {
        let all: Vec<usize> = (0..count).collect();
        assert_eq!(run(count, KNOWN, &all, Illness::Crash).0, Found::TestFailed("segfault".into()));
    }
}
