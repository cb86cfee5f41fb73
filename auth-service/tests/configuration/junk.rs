//! Input that nobody meant to write.

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;

use auth_service::config::Purpose;
use proptest::prelude::*;

use super::place::{ISSUER, Place, assert_holds};

#[test]
fn a_syntax_error_is_reported_with_its_line_together_with_other_errors() {
    let place =
        Place::with("[http]\nlisten = '0.0.0.0:1'\n[token\n").variable("AUTH_SERVICE__TOKEN__LIFETIME", "1");
    let text = place.load_to(Purpose::Serve).unwrap_err().to_string();
    assert_holds(&text, &["TOML parse error at line 3, column 7", "token.lifetime: \"1\" is not"]);
    // What may well stand in the broken file is not called missing.
    assert_eq!(text.lines().count(), 2, "{text}");
}

#[test]
fn what_is_not_utf_8_is_refused() {
    let junk = OsString::from_vec(vec![0x66, 0xff]);
    assert_holds(
        &Place::empty().variable("AUTH_SERVICE__TOKEN__ISSUER", &junk).faults(),
        &["token.issuer: is not UTF-8"],
    );
    assert_holds(&Place::empty().file("auth-service.toml", [0xff, 0xfe]).faults(), &["cannot be read"]);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn junk_never_panics_and_gives_one_line_for_each_fault(
        keys in proptest::collection::vec(any::<prop::sample::Index>(), 1..6),
        values in proptest::collection::vec("\\PC{0,40}|[-0-9.:/@\\[\\]a-z,?#%]{0,30}|(?s).{0,20}", 6),
        file in "(?s).{0,60}|(\\[(http|token|x)\\]\n)?((listen|lifetime|y) = [0-9'\"\\[{]{0,8}\n){0,3}",
    ) {
        let names = Place::with(ISSUER).names();
        let mut place = Place::with(&file);
        for (index, value) in keys.iter().zip(&values) {
            let name = format!("AUTH_SERVICE__{}", index.get(&names).replace('.', "__").to_uppercase());
            place = place.variable(&name, value.replace('\0', ""));
        }
        if let Err(faults) = place.load_to(Purpose::Serve) {
            let text = faults.to_string();
            prop_assert_eq!(text.lines().count(), faults.iter().count());
            prop_assert!(!text.chars().any(|letter| letter.is_control() && letter != '\n'));
        }
    }
}
