//! Words that cannot be are refused before anything is done, and the line says what can.

use crate::typed::{assay, refused};

#[test]
fn what_is_to_be_logged_must_be_made_out() {
    let mut command = assay(&["doctor"]);
    let output = command
        .env("ASSAY_LOG", "assay_node=loud")
        .output()
        .unwrap();
    let said = refused(&output, 2);
    assert!(said.contains("ASSAY_LOG='assay_node=loud'"), "{said}");
    assert!(said.contains("info,assay_p2p=debug"), "{said}");
}

#[test]
fn settings_of_measurements_have_bounds() {
    let cases = [
        ("memory", "--chunk=0", "0.02 to 600 seconds"),
        ("chunk-length", "--lengths=1,601", "0.02 to 600 seconds"),
        ("verify", "--leaves-per-check=-1", "a number of 0 or more"),
        ("cost", "--watts=NaN", "a number of 0 or more"),
        ("cost", "--eth-price=0", "a number above 0"),
        ("cost", "--profile=none-such", "none of the presets"),
    ];
    for (action, word, expected) in cases {
        let output = assay(&["bench", action, word]).output().unwrap();
        let said = refused(&output, 2);
        let (option, _) = word.split_once('=').unwrap();
        assert!(
            said.contains(expected) && said.contains(option.trim_start_matches("--")),
            "{said}"
        );
    }
}
