//! Passwords and secrets of commands: from files or a terminal, never in a help text; key files that other programs open.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use assay_node::Keys;

use crate::typed::{assay, refused, said};

#[test]
fn a_node_s_password_comes_from_a_file_of_its_own() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name).display().to_string();
    said(&assay(&["init", &at("keys")]).output().unwrap());
    fs::write(at("node.toml"), "[verifier]\n").unwrap();
    let node = |more: &[&str]| {
        let config = at("node.toml");
        let words = [&["node", "--config", &config], more].concat();
        assay(&words).output().unwrap()
    };
    // With the password found the next thing that is missing is the deployment.
    let goes_on = |output| {
        let why = refused(&output, 2);
        assert!(why.contains("deployment file"), "{why}");
    };
    goes_on(node(&[]));
    let beside = Keys::password_file(&folder.path().join("keys"));
    let elsewhere = folder.path().join("secret-disk");
    fs::rename(&beside, &elsewhere).unwrap();
    let why = refused(&node(&[]), 2);
    assert!(
        why.contains("no password") && why.contains("--password-file"),
        "{why}"
    );
    let elsewhere = elsewhere.display().to_string();
    goes_on(node(&["--password-file", &elsewhere]));
    fs::set_permissions(&elsewhere, fs::Permissions::from_mode(0o644)).unwrap();
    let why = refused(&node(&["--password-file", &elsewhere]), 2);
    assert!(why.contains("chmod 600"), "{why}");
    fs::write(&beside, "another\n").unwrap();
    fs::set_permissions(&beside, fs::Permissions::from_mode(0o600)).unwrap();
    let why = refused(&node(&[]), 2);
    assert!(why.contains("is it the password of this key?"), "{why}");
}

#[test]
fn no_help_text_shows_what_the_environment_holds() {
    const SECRET: &str = "https://rpc.example/v3/3f1c-provider-key";
    for command in ["node", "publish", "doctor", "deploy", "round"] {
        let mut help = assay(&[command, "--help"]);
        let output = help
            .env("ASSAY_RPC", SECRET)
            .env("ASSAY_LIVE", SECRET)
            .output();
        let text = said(&output.unwrap());
        assert!(text.contains("ASSAY_RPC"), "{command}: {text}");
        assert!(!text.contains("provider-key"), "{command}: {text}");
    }
}
