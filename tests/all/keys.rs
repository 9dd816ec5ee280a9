//! Passwords and secrets of commands: from files or a terminal, never in a help text; key files that other programs open.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
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

/// Foundry's `cast`: on the PATH, or where `make deps` puts the pinned one.
fn cast() -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let modules = Path::new(env!("CARGO_MANIFEST_DIR")).join("chain/node_modules");
    let pinned = modules.join("@foundry-rs/cast-linux-amd64/bin");
    let mut places = std::env::split_paths(&path).chain([pinned]);
    places.find_map(|folder| Some(folder.join("cast")).filter(|file| file.is_file()))
}

#[test]
fn cast_opens_the_key_files_and_its_own_are_opened() {
    let Some(cast) = cast() else {
        println!("not checked: there is no cast; npm ci in chain/ fetches it");
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name).display().to_string();
    let password = at("password");
    fs::write(&password, "correct horse battery staple").unwrap();
    fs::set_permissions(&password, fs::Permissions::from_mode(0o600)).unwrap();
    let foundry = |words: &[&str]| {
        let output = Command::new(&cast).args(words).output().unwrap();
        said(&output).trim().to_owned()
    };
    // geth's standard cost as for an owner, and the light one with a password of its own as for a node.
    let made = ["key", "new", &at("cold"), "--password-file", &password];
    let made = said(&assay(&made).output().unwrap());
    let (account, file) = made.split_once("\nkey file ").unwrap();
    let account = account.trim_start_matches("account").trim();
    let opened = [
        "wallet",
        "address",
        "--keystore",
        file.trim(),
        "--password-file",
        &password,
    ];
    assert_eq!(foundry(&opened), account);
    let keys = folder.path().join("node");
    let node = Keys::generate(&keys).unwrap();
    let beside = Keys::password_file(&keys).display().to_string();
    let file = keys.join(assay_node::OPERATOR_FILE).display().to_string();
    let opened = [
        "wallet",
        "address",
        "--keystore",
        &file,
        "--password-file",
        &beside,
    ];
    assert_eq!(foundry(&opened), node.operator.address().to_string());

    // The other way round.
    let secret = format!("0x{}", "5e".repeat(32));
    let dir = folder.path().display().to_string();
    let words = [
        "--keystore-dir",
        &dir,
        "--unsafe-password",
        "correct horse battery staple",
    ];
    foundry(
        &[
            &["wallet", "import", "theirs", "--private-key", &secret],
            &words[..],
        ]
        .concat(),
    );
    let key = assay_node::keystore::read(
        &folder.path().join("theirs"),
        "correct horse battery staple",
    );
    let address = foundry(&["wallet", "address", "--private-key", &secret]);
    assert_eq!(key.unwrap().address().to_string(), address);
}
