//! The development chain ends with its parent, however that one ends.

use crate::network;

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use assay_chain::anvil::{Anvil, AnvilConfig, AnvilError, dev_key, find};
use assay_chain::client::Client;
use assay_chain::contracts::Randomness;
use assay_chain::deploy::{DeployConfig, TokenChoice, deploy};
use assay_protocol::U256;
use assay_protocol::amount::Lpt;
use assay_protocol::params::Params;

/// Name of the test that acts as a parent in a process of its own.
const PARENT: &str = "anvil::a_parent_that_waits";

fn lives(pid: u32) -> bool {
    // A zombie has ended; only its parent has not looked yet.
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit(')')
        .next()
        .is_some_and(|rest| !rest.is_empty() && !rest.trim_start().starts_with('Z'))
}

fn ends(pid: u32) -> bool {
    let begun = Instant::now();
    while lives(pid) && begun.elapsed() < Duration::from_secs(5) {
        std::thread::sleep(Duration::from_millis(20));
    }
    !lives(pid)
}

/// Starts this very program as a parent of anvil; returns it with anvil's process id.
fn parent(mode: &str) -> (Child, u32) {
    let mut parent = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", PARENT, "--ignored", "--nocapture"])
        .env("ANVIL_PARENT", mode)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let lines = BufReader::new(parent.stdout.take().unwrap()).lines();
    let pid = lines
        .map_while(Result::ok)
        .find_map(|line| line.rsplit("anvil is ").next()?.parse().ok());
    (parent, pid.unwrap())
}

#[tokio::test]
#[ignore = "the other tests start it as a process of its own"]
async fn a_parent_that_waits() {
    let anvil = Anvil::start(&network::config()).await.unwrap();
    println!("\nanvil is {}", anvil.pid());
    match std::env::var("ANVIL_PARENT").as_deref() {
        Ok("panic") => panic!("as it was told"),
        Ok("keep") => println!("kept {}", anvil.keep().unwrap()),
        _ => tokio::time::sleep(Duration::from_secs(60)).await,
    }
}

#[test]
fn killed_with_its_parent() {
    let (mut child, anvil) = parent("wait");
    assert!(lives(anvil));
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(ends(anvil), "anvil {anvil} outlives its killed parent");
}

#[test]
fn ends_with_a_panicking_parent() {
    let (mut child, anvil) = parent("panic");
    assert!(!child.wait().unwrap().success());
    assert!(ends(anvil), "anvil {anvil} outlives its panicking parent");
}

#[test]
fn stays_when_kept() {
    let (mut child, anvil) = parent("keep");
    child.wait().unwrap();
    std::thread::sleep(Duration::from_millis(500));
    assert!(lives(anvil), "anvil {anvil} was to be kept");
    assert!(
        Command::new("kill")
            .arg(anvil.to_string())
            .status()
            .unwrap()
            .success()
    );
    assert!(ends(anvil));
}

#[tokio::test]
async fn two_chains_do_not_meet_and_a_taken_port_is_said() {
    let one = Anvil::start(&network::config()).await.unwrap();
    let two = Anvil::start(&network::config()).await.unwrap();
    assert_ne!(one.url(), two.url());
    let port = one.url().rsplit(':').next().unwrap().parse().ok();
    let error = Anvil::start(&AnvilConfig {
        port,
        ..network::config()
    })
    .await
    .unwrap_err();
    assert!(
        matches!(error, AnvilError::PortTaken { port: p, .. } if Some(p) == port),
        "{error}"
    );
    let pid = one.pid();
    drop(one);
    assert!(!lives(pid), "anvil {pid} outlives its handle");
}

#[test]
fn finds_the_native_program_behind_the_script_and_says_how_to_get_it() {
    let chain = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let script = chain.join("node_modules/.bin/anvil");
    let native = find(std::slice::from_ref(&script)).unwrap();
    assert!(!native.ends_with("bin.mjs"), "{}", native.display());
    // Where npm puts packages inside the one that asks for them; what is no anvil, or has none, is passed over.
    let folder = tempfile::tempdir().unwrap();
    let package = folder.path().join("node_modules/@foundry-rs/anvil");
    let inside = native.ancestors().nth(4).unwrap();
    let name = native.strip_prefix(inside).unwrap();
    let nested = package.join("node_modules").join(name);
    std::fs::create_dir_all(nested.parent().unwrap()).unwrap();
    std::os::unix::fs::symlink(&native, &nested).unwrap();
    let shim = package.join("bin.mjs");
    let bare = folder.path().join("anvil");
    let other = folder.path().join("other");
    for script in [&shim, &bare] {
        std::fs::write(script, "#!/bin/sh\n").unwrap();
    }
    std::fs::copy("/bin/true", &other).unwrap();
    if !on_path() {
        assert_eq!(find(&[bare.clone(), other.clone(), shim]).unwrap(), nested);
        let error = find(&[bare, other.clone()]).unwrap_err().to_string();
        let found = format!("{} is older or no anvil", other.display());
        assert!(
            error.contains("make deps") && error.contains(&found),
            "{error}"
        );
        let error = find(&[Path::new("nowhere").to_owned()]).unwrap_err();
        assert!(error.to_string().contains("nor at nowhere"), "{error}");
    }
}

fn on_path() -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|folder| folder.join("anvil").exists())
}

#[tokio::test]
async fn a_block_a_second_carries_the_whole_deployment() {
    let config = AnvilConfig {
        block_time: Some(Duration::from_secs(1)),
        ..network::config()
    };
    let anvil = Anvil::start(&config).await.unwrap();
    let key = dev_key(1).unwrap();
    let what = DeployConfig {
        params: Params::testnet(),
        randomness: Randomness::Blockhash,
        token: TokenChoice::New {
            supply: Lpt::whole(1),
        },
        resolver: dev_key(9).unwrap().address(),
    };
    let begun = Instant::now();
    let deployment = deploy(&anvil.url(), &key, &what).await.unwrap();
    println!(
        "deployed by block {} in {:?}",
        deployment.deploy_block,
        begun.elapsed()
    );
    assert!(
        deployment.deploy_block <= 8,
        "the contracts take more gas than a block has; what this drops is sent again"
    );
    let client = Client::connect(&anvil.url(), &deployment, key.clone())
        .await
        .unwrap();
    client.check_params(&Params::testnet()).await.unwrap();
    assert_eq!(
        client.lpt_balance(key.address()).await.unwrap().0,
        Lpt::whole(1).0 - U256::from(1),
        "one unit opens the court's balance"
    );

    let mut elsewhere = deployment.clone();
    elsewhere.contracts.job_registry = key.address();
    let error = Client::connect(&anvil.url(), &elsewhere, key.clone())
        .await
        .unwrap_err()
        .to_string();
    assert!(error.contains("JobRegistry"), "{error}");
    elsewhere.chain_id = 1;
    let error = Client::connect(&anvil.url(), &elsewhere, key)
        .await
        .unwrap_err()
        .to_string();
    assert!(error.contains("31337"), "{error}");

    // What does not fit the contracts is refused before or by the constructor, in words.
    let mut params = Params::testnet();
    params.active_verifiers = 70_000;
    let key = dev_key(2).unwrap();
    let with = |params| DeployConfig {
        params,
        ..what.clone()
    };
    let error = deploy(&anvil.url(), &key, &with(params.clone()))
        .await
        .unwrap_err()
        .to_string();
    assert!(error.contains("maxVerifiers is 70000"), "{error}");
    params.active_verifiers = 65;
    let error = deploy(&anvil.url(), &key, &with(params))
        .await
        .unwrap_err()
        .to_string();
    assert!(error.contains("maxVerifiers"), "{error}");
}
