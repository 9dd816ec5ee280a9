//! A node whose owner takes the authority from its key: it must not sign any more, and whoever keeps it running must learn.

use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use assay_node::status::Status;

use super::desk::{Desk, said};
use crate::typed::assay;

const PATIENCE: Duration = Duration::from_secs(60);

/// A node's process, which a test that fails ends too.
struct Node(Option<Child>);

impl Drop for Node {
    fn drop(&mut self) {
        if let Some(child) = &mut self.0 {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

fn start(folder: &Path) -> Node {
    let config = folder.join("node.toml").display().to_string();
    let mut command = assay(&["node", "--config", &config]);
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    Node(Some(command.spawn().unwrap()))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_whose_key_is_revoked_ends_with_an_error_and_does_not_start_again() {
    let desk = Desk::open().await;
    let owner = desk.account("owner", 0).await;
    let folder = PathBuf::from(desk.path("node"));
    std::fs::create_dir(&folder).unwrap();
    let keys = folder.join("keys").display().to_string();
    said(&desk.assay(&["init", &keys]));
    let config = format!(
        "operator = \"{}\"\nrpc = \"{}\"\ndeployment = \"../deployment.json\"\n[verifier]\n",
        owner.address,
        desk.anvil().url()
    );
    std::fs::write(folder.join("node.toml"), config).unwrap();
    said(&owner.types(&["operator", "authorise", "--signer-key", &keys]));
    desk.rounds(1).await;

    let mut node = start(&folder);
    let child = node.0.as_mut().unwrap();
    let begun = Instant::now();
    let mut running = || child.try_wait().unwrap().is_none();
    while !Status::read(&folder).is_some_and(|status| status.is_ready()) {
        assert!(running() && begun.elapsed() < PATIENCE, "never ready");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    said(&owner.types(&["operator", "revoke"]));
    desk.mine(1).await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert!(running(), "its key signs until the round ends");
    desk.rounds(1).await;
    let begun = Instant::now();
    while running() {
        assert!(begun.elapsed() < PATIENCE, "it runs on");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let output = node.0.take().unwrap().wait_with_output().unwrap();
    let why = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{why}");
    let last = why.lines().last().unwrap();
    assert!(last.contains("another key signs for its operator"), "{why}");

    let again = start(&folder).0.take().unwrap().wait_with_output().unwrap();
    assert_eq!(again.status.code(), Some(2), "{again:?}");
    let why = String::from_utf8(again.stderr).unwrap();
    let who = owner.address;
    let signs = format!("{who} signs for operator {who}");
    assert!(why.contains(&signs), "{why}");
}
