//! A network of separate processes: a cheat among them is slashed, a verifier is killed and comes back, and in the end
//! nothing is left. Needs anvil and FFmpeg.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use assay_chain::anvil::dev_key;
use assay_chain::client::Client;
use assay_chain::contracts::Deployment;
use assay_chain::court::CaseView;
use assay_chain::views::Role;
use assay_encoder::y4m::{Header, write_frame};
use assay_node::status::Status;
use assay_protocol::Address;
use serde_json::Value;

const ASSAY: &str = env!("CARGO_BIN_EXE_assay");

/// A machine that is busy with other tests takes longer.
const PATIENCE: Duration = Duration::from_secs(120);

pub fn testnet(arguments: &[&str], dir: &Path) -> Output {
    let mut command = Command::new(ASSAY);
    command.arg("testnet").args(arguments).arg("--dir").arg(dir);
    command.current_dir(env!("CARGO_MANIFEST_DIR"));
    command.stdin(Stdio::null()).output().unwrap()
}

/// Small and moving: two segments that every core encodes in no time.
pub fn clip(path: &Path) {
    let header = Header {
        width: 96,
        height: 64,
        bit_depth: 8,
        fps: (15, 1),
        full_range: false,
    };
    let mut bytes = header.line().into_bytes();
    for index in 0..60 {
        write_frame(&mut bytes, &assay_encoder::synth::frame(96, 64, index)).unwrap();
    }
    fs::write(path, bytes).unwrap();
}

/// Ids of the processes that run this very program.
fn running() -> BTreeSet<u32> {
    let program = fs::canonicalize(ASSAY).unwrap();
    let ids = fs::read_dir("/proc").unwrap().filter_map(|entry| {
        let id: u32 = entry.ok()?.file_name().to_str()?.parse().ok()?;
        let exe = fs::read_link(format!("/proc/{id}/exe")).ok()?;
        (exe == program).then_some(id)
    });
    ids.collect()
}

pub fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !holds() {
        assert!(
            begun.elapsed() < PATIENCE,
            "{what}: not within {PATIENCE:?}"
        );
        std::thread::sleep(Duration::from_millis(200));
    }
}

/// Brings the network down also when the test fails.
pub struct Net(pub PathBuf);

impl Drop for Net {
    fn drop(&mut self) {
        let down = testnet(&["down"], &self.0);
        if std::thread::panicking() {
            for log in fs::read_dir(self.0.join("logs"))
                .into_iter()
                .flatten()
                .flatten()
            {
                let text = fs::read_to_string(log.path()).unwrap_or_default();
                let end: Vec<_> = text.lines().rev().take(12).collect();
                eprintln!("== {}", log.path().display());
                end.iter().rev().for_each(|line| eprintln!("{line}"));
            }
            eprintln!("down: {down:?}");
        }
    }
}

/// A node that this test started by itself.
struct Restarted(Child);

impl Drop for Restarted {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn node(net: &Net, name: &str) -> Command {
    let mut command = Command::new(ASSAY);
    command
        .arg("node")
        .arg("--config")
        .arg(net.0.join(name).join("node.toml"));
    command.stdin(Stdio::null());
    command
}

pub fn pid(net: &Net, name: &str) -> u32 {
    let text = fs::read_to_string(net.0.join("run").join(format!("{name}.pid"))).unwrap();
    text.split(' ').next().unwrap().parse().unwrap()
}

/// Numbers of the segments that a broadcaster's log says were assigned.
fn assigned(net: &Net, name: &str) -> Vec<u32> {
    let log = fs::read_to_string(net.0.join("logs").join(format!("{name}.log"))).unwrap();
    let lines = log
        .lines()
        .filter_map(|line| line.split_once("assignment seq="));
    lines
        .map(|(_, rest)| rest.split(' ').next().unwrap().parse().unwrap())
        .collect()
}

fn address(network: &Value, name: &str) -> Address {
    let operators = network["operators"].as_array().unwrap();
    let operator = operators
        .iter()
        .find(|operator| operator["name"] == name)
        .unwrap();
    operator["address"].as_str().unwrap().parse().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_network_of_processes_slashes_survives_a_kill_and_goes_down() {
    let temporary = tempfile::tempdir().unwrap();
    let before = running();
    let video = temporary.path().join("clip.y4m");
    clip(&video);
    let net = Net(temporary.path().join("net"));
    let video = video.to_str().unwrap();
    let size = ["--transcoders", "2", "--verifiers", "3", "--cheaters", "1"];
    let up = [&["up", "--input", video][..], &size].concat();
    let started = testnet(&up, &net.0);
    assert!(started.status.success(), "{started:?}");

    // A second time: refused, and the first one is not harmed.
    let again = testnet(&up, &net.0);
    assert_eq!(again.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&again.stderr).contains("testnet down"));

    let network: Value =
        serde_json::from_slice(&fs::read(net.0.join("network.json")).unwrap()).unwrap();
    let deployment = Deployment::load(&net.0.join("deployment.json")).unwrap();
    let rpc = network["rpc"].as_str().unwrap();
    let client = Client::connect(rpc, &deployment, dev_key(0).unwrap())
        .await
        .unwrap();
    let (cheat, honest) = (
        address(&network, "transcoder-0"),
        address(&network, "transcoder-1"),
    );
    let bonded = client.pool(Role::Transcoder, cheat).await.unwrap().bonded();
    let supply = client.lpt_supply().await.unwrap();

    // Somebody who has a node's folder cannot run it twice.
    let second = node(&net, "verifier-0").output().unwrap();
    assert_eq!(second.status.code(), Some(1));
    assert!(
        String::from_utf8_lossy(&second.stderr).contains("another assay node"),
        "{second:?}"
    );

    // One verifier dies at an arbitrary moment and is started again by hand.
    let victim = pid(&net, "verifier-1");
    assert!(
        Command::new("kill")
            .args(["-9", &victim.to_string()])
            .status()
            .unwrap()
            .success()
    );
    until("the killed verifier is gone", || {
        !running().contains(&victim)
    });
    let log = File::create(net.0.join("logs/verifier-1-again.log")).unwrap();
    let restarted = Restarted(node(&net, "verifier-1").stderr(log).spawn().unwrap());
    let folder = net.0.join("verifier-1");
    until("the killed verifier is back", || {
        let status = Status::read(&folder).filter(|status| status.pid == restarted.0.id());
        status.is_some_and(|status| status.is_ready() && status.peers >= 4)
    });

    // All three verifiers weigh the same, so two make a quorum; the cheat is slashed with or without the third.
    let mut executed = None;
    let begun = Instant::now();
    while executed.is_none() {
        assert!(begun.elapsed() < PATIENCE, "nobody was slashed");
        for id in client.case_ids(None).await.unwrap() {
            executed = client
                .case(id)
                .await
                .unwrap()
                .filter(CaseView::is_executed)
                .or(executed);
        }
        tokio::time::sleep(Duration::from_millis(300)).await;
    }
    assert_eq!(executed.unwrap().operator, cheat);
    assert!(client.case_ids(Some(honest)).await.unwrap().is_empty());
    assert!(client.pool(Role::Transcoder, cheat).await.unwrap().bonded() < bonded);
    assert!(client.lpt_supply().await.unwrap() < supply);

    // The verifier that came back works, and signs nothing that contradicts what it signed before.
    until("the restarted verifier checks samples", || {
        let log = fs::read_to_string(net.0.join("logs/verifier-1-again.log")).unwrap();
        log.contains("sample is")
    });
    for name in [
        "verifier-0",
        "verifier-1",
        "verifier-1-again",
        "verifier-2",
        "broadcaster",
    ] {
        let log = fs::read_to_string(net.0.join("logs").join(format!("{name}.log"))).unwrap();
        assert!(!log.contains("refusing to equivocate"), "{name}: {log}");
    }
    for i in 0..3 {
        let verifier = address(&network, &format!("verifier-{i}"));
        assert!(client.case_ids(Some(verifier)).await.unwrap().is_empty());
    }

    // The broadcaster dies too. Started again, it publishes on, under numbers that it has never signed.
    let dead = pid(&net, "broadcaster");
    assert!(
        Command::new("kill")
            .args(["-9", &dead.to_string()])
            .status()
            .unwrap()
            .success()
    );
    until("the killed broadcaster is gone", || {
        !running().contains(&dead)
    });
    let last = *assigned(&net, "broadcaster").last().unwrap();
    let log = File::create(net.0.join("logs/broadcaster-again.log")).unwrap();
    let publisher = Restarted(node(&net, "broadcaster").stderr(log).spawn().unwrap());
    until("the restarted broadcaster publishes", || {
        let log = fs::read_to_string(net.0.join("logs/broadcaster-again.log")).unwrap();
        log.contains("segment delivered")
    });
    let again = assigned(&net, "broadcaster-again");
    assert!(
        again.iter().all(|seq| *seq > last),
        "{again:?} after {last}"
    );
    drop(publisher);

    let table = String::from_utf8(testnet(&["status"], &net.0).stdout).unwrap();
    assert!(
        table.contains(&cheat.to_string()) && table.contains("died"),
        "{table}"
    );

    // `down` ends what `up` has started, and not the one started by hand.
    let down = testnet(&["down"], &net.0);
    assert!(down.status.success(), "{down:?}");
    let left: Vec<_> = running().difference(&before).copied().collect();
    assert!(left.contains(&restarted.0.id()));
    drop(restarted);
    until("no process is left", || running().is_subset(&before));
    assert!(
        Client::connect(rpc, &deployment, dev_key(0).unwrap())
            .await
            .is_err()
    );
    let nothing = testnet(&["down"], &net.0);
    assert!(nothing.status.success(), "{nothing:?}");
    assert!(net.0.join("broadcaster/hls/master.m3u8").exists());
}

#[test]
fn bad_configurations_and_missing_networks_are_usage_errors() {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("node.toml");
    for (text, word) in [
        ("", "no role"),
        ("[verifier]\nspeed = 1", "speed"),
        ("[verifier]\n", "assay init"),
    ] {
        fs::write(&config, text).unwrap();
        let run = Command::new(ASSAY)
            .arg("node")
            .arg("--config")
            .arg(&config)
            .output()
            .unwrap();
        assert_eq!(run.status.code(), Some(2), "{run:?}");
        assert!(
            String::from_utf8_lossy(&run.stderr).contains(word),
            "{run:?}"
        );
    }
    let nowhere = folder.path().join("nowhere");
    assert_eq!(testnet(&["status"], &nowhere).status.code(), Some(2));
    assert!(testnet(&["down"], &nowhere).status.success());
    let few = testnet(&["up", "--verifiers", "2"], &nowhere);
    assert_eq!(few.status.code(), Some(2));
    assert!(!nowhere.exists());
}
