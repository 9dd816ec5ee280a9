//! Words that cannot be are refused before anything is done, and the line says what can.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use crate::testnet::{clip, testnet};
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
        ("chunk-length", "--quantizers=80,80", "two that differ"),
        ("encode", "--quantizers=80,80", "two that differ"),
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

/// A folder that the program has made, by its mark, with a clip in it.
fn used(dir: &Path, mark: &str) -> String {
    let work = dir.join("work");
    fs::create_dir_all(&work).unwrap();
    fs::write(dir.join(mark), "").unwrap();
    clip(&work.join("clip.y4m"));
    work.join("clip.y4m").to_str().unwrap().into()
}

#[test]
fn a_demonstration_removes_nothing_that_it_will_not_replace() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    let clip = used(&out, ".assay-demo");
    let report = out.join("report.json");
    let demo = |words: &[&str]| {
        let mut command = assay(&["demo", "--out"]);
        command.arg(&out).arg("--json").arg(&report).args(words);
        let said = refused(&command.output().unwrap(), 2);
        assert!(Path::new(&clip).exists() && !report.exists(), "{said}");
        said
    };
    let said = demo(&["--input", &clip]);
    assert!(said.contains("--out") && said.contains("emptied"), "{said}");
    let missing = format!("{clip}.mkv");
    assert!(demo(&["--input", &missing]).contains(&missing));
    let mark = File::open(out.join(".assay-demo")).unwrap();
    mark.lock().unwrap();
    let said = demo(&[]);
    assert!(said.contains("--out") && said.contains("another"), "{said}");
}

#[test]
fn a_test_network_does_not_remove_its_own_input() {
    let folder = tempfile::tempdir().unwrap();
    let clip = used(folder.path(), ".assay-testnet");
    let said = refused(&testnet(&["up", "--input", &clip], folder.path()), 2);
    assert!(said.contains("--dir") && said.contains("emptied"), "{said}");
    assert!(Path::new(&clip).exists());
}

#[test]
fn a_name_that_no_configuration_can_hold_is_refused_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let clip = folder.path().join(OsStr::from_bytes(b"gr\xfcn.mkv"));
    fs::write(&clip, "").unwrap();
    let dir = folder.path().join("network");
    let mut command = assay(&["testnet", "up", "--dir"]);
    let output = command.arg(&dir).arg("--input").arg(&clip).output();
    let said = refused(&output.unwrap(), 2);
    assert!(said.contains("not UTF-8") && !dir.join("broadcaster").exists());
}
