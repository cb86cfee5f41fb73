//! Whether two descriptions of tokens have a text in common: then one issuer would be sent the other's tokens. Found
//! out exactly, by walking through the automata of both at once.

use std::collections::{HashMap, HashSet, VecDeque};

use regex_automata::dfa::{Automaton, StartKind, dense};
use regex_automata::nfa::thompson;
use regex_automata::util::primitives::StateID;
use regex_automata::util::start;
use regex_automata::{Anchored, MatchKind};

/// Most memory that the automaton of one description may take, and again what making it may take.
const LARGEST_AUTOMATON_BYTES: usize = 1 << 20;

/// Most pairs of states that are looked at. Descriptions of real tokens have some hundred.
const MOST_PAIRS: usize = 100_000;

/// What may stand behind a prefix (RFC 6750, section 2.1).
const AFTER_PREFIX: &str = r"[A-Za-z0-9._~+/-]*=*";

/// The description is too complicated to be compared with others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct TooComplicated;

/// What the tokens are that begin with a prefix, as a pattern from end to end.
pub(super) fn beginning_with(prefix: &str) -> String {
    format!(r"\A(?-u:{}{AFTER_PREFIX})\z", regex_syntax::escape(prefix))
}

/// A text that both patterns match from end to end; the shortest there is.
pub(super) fn common_text(one: &str, other: &str) -> Result<Option<String>, TooComplicated> {
    let (one, other) = (automaton(one)?, automaton(other)?);
    let letters = letters(&one, &other);
    let first = (beginning(&one)?, beginning(&other)?);
    let mut came_from = HashMap::from([(first, None)]);
    let mut waiting = VecDeque::from([first]);
    while let Some(pair) = waiting.pop_front() {
        if ends(&one, pair.0) && ends(&other, pair.1) {
            return Ok(Some(text(&came_from, pair)));
        }
        for letter in &letters {
            let next = (one.next_state(pair.0, *letter), other.next_state(pair.1, *letter));
            let is_dead = one.is_dead_state(next.0) || other.is_dead_state(next.1);
            if is_dead || came_from.contains_key(&next) {
                continue;
            }
            let is_unknown = one.is_quit_state(next.0) || other.is_quit_state(next.1);
            if is_unknown || came_from.len() >= MOST_PAIRS {
                return Err(TooComplicated);
            }
            came_from.insert(next, Some((pair, *letter)));
            waiting.push_back(next);
        }
    }
    Ok(None)
}

type Dfa = dense::DFA<Vec<u32>>;
type Pair = (StateID, StateID);

fn automaton(pattern: &str) -> Result<Dfa, TooComplicated> {
    let config = dense::Config::new()
        .start_kind(StartKind::Anchored)
        // All ways to match count, and not only the one that a search prefers.
        .match_kind(MatchKind::All)
        .accelerate(false)
        .dfa_size_limit(Some(LARGEST_AUTOMATON_BYTES))
        .determinize_size_limit(Some(LARGEST_AUTOMATON_BYTES));
    let states = thompson::Config::new().nfa_size_limit(Some(LARGEST_AUTOMATON_BYTES));
    dense::Builder::new().configure(config).thompson(states).build(pattern).map_err(|_| TooComplicated)
}

fn beginning(dfa: &Dfa) -> Result<StateID, TooComplicated> {
    dfa.start_state(&start::Config::new().anchored(Anchored::Yes)).map_err(|_| TooComplicated)
}

fn ends(dfa: &Dfa, state: StateID) -> bool {
    dfa.is_match_state(dfa.next_eoi_state(state))
}

/// One of each kind of characters between which neither automaton makes a difference; only what can be in a token.
fn letters(one: &Dfa, other: &Dfa) -> Vec<u8> {
    let kind = |letter: u8| (one.byte_classes().get(letter), other.byte_classes().get(letter));
    let mut letters: Vec<u8> = (b'a'..=b'z').chain(b'!'..=b'~').collect();
    let mut seen = HashSet::new();
    letters.retain(|letter| seen.insert(kind(*letter)));
    letters
}

fn text(came_from: &HashMap<Pair, Option<(Pair, u8)>>, end: Pair) -> String {
    let mut letters = Vec::new();
    let mut pair = end;
    while let Some(Some((before, letter))) = came_from.get(&pair) {
        letters.push(char::from(*letter));
        pair = *before;
    }
    letters.iter().rev().collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use regex::Regex;

    use super::*;

    fn whole(pattern: &str) -> String {
        format!(r"\A(?-u:{pattern})\z")
    }

    fn common(one: &str, other: &str) -> Option<String> {
        let (one, other) = (whole(one), whole(other));
        let found = common_text(&one, &other).unwrap();
        assert_eq!(found.is_some(), common_text(&other, &one).unwrap().is_some(), "either way round");
        for pattern in [one, other] {
            let pattern = Regex::new(&pattern).unwrap();
            assert!(found.iter().all(|text| pattern.is_match(text)), "{pattern} does not match {found:?}");
        }
        found
    }

    #[test]
    fn patterns_that_have_a_text_in_common_overlap_and_others_do_not() {
        for (one, other, overlap) in [
            ("[A-Za-z0-9_-]{43}", "B[A-Za-z0-9]{42}", true),
            ("[A-Za-z0-9_-]{43}", "[A-Za-z0-9_-]{86}", false),
            ("[A-Za-z0-9_-]{43}", "[A-Za-z0-9_-]{20,}", true),
            ("[0-9a-f]{40}", "[A-Z0-9]{40}", true),
            ("[0-9a-f]{40}", "[A-Z]{40}", false),
            ("[0-9a-f]{40}", "[0-9a-f]{39}[g-z]", false),
            ("(?:ab){20}", "(?:aba){10}(?:bab){3}b?", false),
            ("(?:ab)*", "(?:aba|bab)*", true),
            ("(?i)x[a-f]{20}", "X[A-F]{20}", true),
            ("x{20}|y{20}", "y+", true),
            ("a{20}\\b", "a{20}", true),
        ] {
            assert_eq!(common(one, other).is_some(), overlap, "{one} and {other}");
        }
    }

    #[test]
    fn a_prefix_overlaps_what_a_pattern_matches_behind_it() {
        let overlaps = |prefix: &str, pattern: &str| {
            common_text(&beginning_with(prefix), &whole(pattern)).unwrap().is_some()
        };
        assert!(overlaps("hub_", "[A-Za-z0-9_-]{43}"));
        assert!(!overlaps("hub.", "[A-Za-z0-9_-]{43}"), "as no text of the pattern has a point");
        assert!(!overlaps("hub_", "[A-Z]{43}"));
        assert!(!overlaps("hub_", "hub_[!]{20}"), "as such a text is no bearer token");
        assert!(!overlaps("aaaaa", "a{4}"), "as it is shorter than the prefix");
        assert!(overlaps("a+b.", "a\\+b\\.c{20}") && !overlaps("a+b.", "aab[.]c{20}"));
    }

    #[test]
    fn what_grows_too_large_is_too_complicated() {
        let large = whole("[ab]*a[ab]{20}");
        assert_eq!(common_text(&large, &whole("c{20}")), Err(TooComplicated));
    }

    proptest! {
        #[test]
        fn whatever_two_patterns_both_match_is_found_to_overlap(text in "[abc]{20,24}", cut in 0_usize..20) {
            let (head, tail) = text.split_at(cut);
            let (one, other) = (format!("{head}[a-c]*"), format!("[a-c]*{tail}"));
            prop_assert!(common(&one, &other).is_some());
        }
    }
}
