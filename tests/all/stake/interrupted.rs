//! Commands that end in the middle: killed, without a node, or at the day's gas limit. Typed again they do nothing twice.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use assay_protocol::amount::Eth;
use serde_json::Value;

use super::desk::{Desk, Person, refused, said};
use crate::typed::{json, refused as refused_with};

const PATIENCE: Duration = Duration::from_secs(60);
const DEPOSIT: [&str; 3] = ["broadcaster", "deposit", "0.5 ETH"];

fn start(mut command: Command) -> Child {
    let command = command.stdout(Stdio::piped()).stderr(Stdio::piped());
    command.spawn().unwrap()
}

fn kill(mut child: Child) {
    child.kill().unwrap();
    child.wait().unwrap();
}

/// Number of an account's transactions, those in the pool included.
fn pending(desk: &Desk, person: &Person) -> u64 {
    let url = desk.anvil().url();
    let body = format!(
        r#"{{"jsonrpc":"2.0","id":1,"method":"eth_getTransactionCount","params":["{}","pending"]}}"#,
        person.address
    );
    let mut stream = TcpStream::connect(url.trim_start_matches("http://")).unwrap();
    let head = format!(
        "POST / HTTP/1.1\r\nhost: anvil\r\ncontent-type: application/json\r\nconnection: close\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    stream
        .write_all(format!("{head}{body}").as_bytes())
        .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let json = answer.split("\r\n\r\n").nth(1).unwrap();
    let json: Value = serde_json::from_str(json.trim()).unwrap();
    let count = json["result"].as_str().unwrap();
    u64::from_str_radix(count.trim_start_matches("0x"), 16).unwrap()
}

fn until(what: &str, mut reached: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !reached() {
        assert!(begun.elapsed() < PATIENCE, "{what} never happens");
        std::thread::sleep(Duration::from_millis(20));
    }
}

async fn deposited(desk: &Desk, person: &Person) -> Eth {
    let sender = desk.client().sender(person.address).await;
    sender.unwrap().deposit
}

fn half_ethers(count: u64) -> Eth {
    Eth(Eth::whole(count).0 / assay_protocol::U256::from(2))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deposit_that_is_killed_while_it_waits_and_typed_again_is_one_deposit() {
    let desk = Desk::open().await;
    let payer = desk.account("payer", 0).await;
    let nonce = desk.nonce(&payer).await;
    desk.anvil().set_automine(false).await.unwrap();
    let child = start(payer.begins(&DEPOSIT));
    until("a transaction in the pool", || {
        pending(&desk, &payer) > nonce
    });
    kill(child);
    // Mined while nobody looks.
    desk.mine(1).await;
    assert_eq!(deposited(&desk, &payer).await, half_ethers(1));
    desk.anvil().set_automine(true).await.unwrap();
    let again = payer.types(&[&DEPOSIT[..], &["--json"]].concat());
    let told = String::from_utf8(again.stderr.clone()).unwrap();
    assert!(told.contains("an earlier command has left this"), "{told}");
    assert!(told.contains("Nothing was sent again"), "{told}");
    let outcome = json(&again);
    assert_eq!(outcome["steps"][0]["earlier"], true);
    assert!(outcome["steps"][0]["block"].is_u64());
    assert_eq!(deposited(&desk, &payer).await, half_ethers(1));
    assert_eq!(desk.nonce(&payer).await, nonce + 1);
    // What was told is done: typed once more it is a second deposit.
    let outcome = json(&payer.types(&[&DEPOSIT[..], &["--json"]].concat()));
    assert!(outcome["steps"][0].get("earlier").is_none());
    assert_eq!(deposited(&desk, &payer).await, half_ethers(2));

    // Killed, and typed again before a block has it; then another command, which tells of it first.
    desk.anvil().set_automine(false).await.unwrap();
    let child = start(payer.begins(&DEPOSIT));
    until("a transaction in the pool", || {
        pending(&desk, &payer) > nonce + 2
    });
    kill(child);
    let child = start(payer.begins(&DEPOSIT));
    std::thread::sleep(Duration::from_secs(1));
    assert_eq!(pending(&desk, &payer), nonce + 3);
    kill(child);
    desk.anvil().set_automine(true).await.unwrap();
    desk.mine(1).await;
    let other = payer.types(&["broadcaster", "deposit", "--reserve", "1 ETH"]);
    let told = String::from_utf8(other.stderr.clone()).unwrap();
    assert!(told.contains("an earlier command has left this"), "{told}");
    said(&other);
    assert_eq!(deposited(&desk, &payer).await, half_ethers(3));
    assert_eq!(desk.nonce(&payer).await, nonce + 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deposit_that_a_reorganisation_took_back_and_that_is_typed_again_is_one_deposit() {
    let desk = Desk::open().await;
    let payer = desk.account("payer", 0).await;
    let nonce = desk.nonce(&payer).await;
    said(&payer.types(&DEPOSIT));
    desk.anvil().reorg(1).await.unwrap();
    assert_eq!(deposited(&desk, &payer).await, half_ethers(0));
    // Even where the one that has found it is killed before it could say so.
    desk.anvil().set_automine(false).await.unwrap();
    let child = start(payer.begins(&DEPOSIT));
    until("it is sent again", || pending(&desk, &payer) > nonce);
    kill(child);
    desk.mine(1).await;
    desk.anvil().set_automine(true).await.unwrap();
    let again = payer.types(&[&DEPOSIT[..], &["--json"]].concat());
    let told = String::from_utf8(again.stderr.clone()).unwrap();
    assert!(
        told.contains("a reorganisation has taken it out of the chain")
            && told.contains("Nothing else was sent"),
        "{told}"
    );
    assert_eq!(json(&again)["steps"][0]["earlier"], true);
    assert_eq!(deposited(&desk, &payer).await, half_ethers(1));
    assert_eq!(desk.nonce(&payer).await, nonce + 1);
    said(&payer.types(&DEPOSIT));
    assert_eq!(deposited(&desk, &payer).await, half_ethers(2));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bond_that_is_killed_between_its_two_transactions_is_bonded_once() {
    let desk = Desk::open().await;
    let owner = desk.account("owner", 60).await;
    let nonce = desk.nonce(&owner).await;
    let bond = ["stake", "bond", "50 LPT", "--role", "transcoder"];
    desk.anvil().set_automine(false).await.unwrap();
    let child = start(owner.begins(&bond));
    until("the allowance in the pool", || {
        pending(&desk, &owner) > nonce
    });
    desk.mine(1).await;
    until("the bond in the pool", || {
        pending(&desk, &owner) > nonce + 1
    });
    kill(child);
    desk.mine(1).await;
    desk.anvil().set_automine(true).await.unwrap();
    // There are not 50 LPT at hand any more, and that is no reason to refuse it.
    let again = owner.types(&bond);
    let told = String::from_utf8(again.stderr.clone()).unwrap();
    assert!(told.contains("Nothing was sent again"), "{told}");
    assert!(said(&again).contains("bonds 50 LPT"), "{again:?}");
    assert_eq!(desk.nonce(&owner).await, nonce + 2);
    let bonded = desk.own_bond(&owner).await;
    assert_eq!(bonded, assay_protocol::amount::Lpt::whole(50));
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_withdrawals_of_which_one_was_killed_the_other_is_done_too() {
    let desk = Desk::open().await;
    let owner = desk.account("owner", 60).await;
    said(&owner.types(&["stake", "bond", "50 LPT", "--role", "transcoder"]));
    for amount in ["10 LPT", "20 LPT"] {
        said(&owner.types(&["stake", "unbond", amount, "--role", "transcoder"]));
    }
    desk.rounds(9).await;
    let nonce = desk.nonce(&owner).await;
    desk.anvil().set_automine(false).await.unwrap();
    let child = start(owner.begins(&["stake", "withdraw", "2"]));
    until("the withdrawal in the pool", || {
        pending(&desk, &owner) > nonce
    });
    kill(child);
    desk.mine(1).await;
    desk.anvil().set_automine(true).await.unwrap();
    let both = json(&owner.types(&["stake", "withdraw", "1", "2", "--json"]));
    assert_eq!(both["steps"].as_array().unwrap().len(), 2, "{both}");
    assert_eq!(both["steps"][0]["earlier"], true);
    assert!(both["steps"][1].get("earlier").is_none(), "{both}");
    assert_eq!(desk.nonce(&owner).await, nonce + 2);
    let status = said(&desk.looks(&["stake", "status", &owner.address.to_string()]));
    assert!(!status.contains("\nlock"), "{status}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_says_that_the_node_is_away() {
    let desk = Desk::open().await;
    let payer = desk.account("payer", 0).await;
    let nonce = desk.nonce(&payer).await;
    desk.anvil().set_automine(false).await.unwrap();
    let mut child = start(payer.begins(&DEPOSIT));
    until("a transaction in the pool", || {
        pending(&desk, &payer) > nonce
    });
    let pid = desk.anvil().pid().to_string();
    assert!(
        Command::new("kill")
            .args(["-9", &pid])
            .status()
            .unwrap()
            .success()
    );
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
    let line = lines.next().unwrap().unwrap();
    assert!(
        line.starts_with("waiting: ") && line.contains("does not answer"),
        "{line}"
    );
    kill(child);
}

fn journals(folder: &Path) -> Vec<PathBuf> {
    let files = std::fs::read_dir(folder).unwrap();
    let files = files.map(|file| file.unwrap().path());
    files
        .filter(|path| path.extension().is_some_and(|e| e == "transactions"))
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_day_s_gas_is_counted_over_all_commands_of_a_key() {
    let desk = Desk::open().await;
    let payer = desk.account("payer", 0).await;
    let with =
        |limit: &str| payer.types(&[&DEPOSIT[..], &["--json", "--gas-per-day", limit]].concat());
    let nonce = desk.nonce(&payer).await;
    let why = refused(&with("1"), 2);
    assert!(why.contains("say the unit"), "{why}");
    let why = refused(&with("0.00000001 ETH"), 1);
    assert!(
        why.contains("it may cost") && why.contains("today's"),
        "{why}"
    );
    assert_eq!(desk.nonce(&payer).await, nonce, "nothing is sent");
    let done = json(&with("1 ETH"));
    assert_eq!(journals(payer.folder()).len(), 1);
    // Today's gas is what the first deposit has cost, and it is counted in the next command too.
    let spent: Eth = done["cost_eth"].as_str().unwrap().parse().unwrap();
    let limit = format!("{} ETH", Eth(spent.0 + assay_protocol::U256::from(1)));
    let why = refused(&with(&limit), 1);
    assert!(why.contains(&format!("{spent} ETH of today's")), "{why}");
    assert_eq!(desk.nonce(&payer).await, nonce + 1);
    // What was held back is not sent by the next command.
    json(&with("1 ETH"));
    assert_eq!(desk.nonce(&payer).await, nonce + 2);
    assert_eq!(deposited(&desk, &payer).await, half_ethers(2));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_s_hot_key_has_the_node_s_limit_and_journal() {
    let desk = Desk::open().await;
    let payer = desk.account("payer", 0).await;
    let node = PathBuf::from(desk.path("node"));
    std::fs::create_dir(&node).unwrap();
    let file = node.join("node.toml");
    let types = |limit: &str| {
        std::fs::write(&file, format!("gas_per_day = \"{limit}\"\n[verifier]\n")).unwrap();
        payer.types(&[&DEPOSIT[..], &["--node", file.to_str().unwrap()]].concat())
    };
    let why = refused(&types("0.00000001 ETH"), 1);
    assert!(why.contains("it may cost"), "{why}");
    said(&types("1 ETH"));
    assert!(node.join("transactions.redb").is_file());
    assert_eq!(journals(payer.folder()), [] as [PathBuf; 0]);
    let both = payer.types(&[&DEPOSIT[..], &["--node", "x", "--gas-per-day", "1 ETH"]].concat());
    assert!(
        String::from_utf8(both.stderr)
            .unwrap()
            .contains("cannot be used with")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deployment_that_is_killed_goes_on_and_shows_its_addresses_before_it_writes_them() {
    let desk = Desk::open().await;
    let founder = desk.account("founder", 0).await;
    let out = desk.path("own.json");
    let words = [
        "deploy", "--preset", "demo", "--supply", "1000 LPT", "--out",
    ];
    let nonce = desk.nonce(&founder).await;
    // Where it cannot be written down, nothing is sent.
    let nowhere = desk.path("no/such/folder/own.json");
    let lost = founder.acts(&[&words[..], &[&nowhere]].concat());
    assert!(refused(&lost, 1).contains("cannot be deployed by"));
    assert_eq!(pending(&desk, &founder), nonce);

    desk.anvil().set_automine(false).await.unwrap();
    let child = start(founder.command(&[&words[..], &[&out]].concat()));
    until("some transactions in the pool", || {
        pending(&desk, &founder) > nonce + 3
    });
    kill(child);
    assert!(!Path::new(&out).exists());
    desk.mine(1).await;
    desk.anvil().set_automine(true).await.unwrap();
    let unfinished = format!("{out}.unfinished");
    assert!(Path::new(&unfinished).exists());
    let other = [
        "deploy", "--preset", "demo", "--supply", "999 LPT", "--out", &out,
    ];
    let why = refused(&founder.acts(&other), 1);
    assert!(why.contains("other parameters"), "{why}");
    let done = said(&founder.acts(&[&words[..], &[&out]].concat()));
    assert!(done.contains("going on with the deployment"), "{done}");
    assert!(
        done.contains("FraudCourt") && done.contains("own.json"),
        "{done}"
    );
    assert_eq!(desk.nonce(&founder).await, nonce + 17);
    assert!(!Path::new(&unfinished).exists());

    // The disk is full, say, when all is done: the addresses are shown all the same, and not deployed again.
    let blocked = desk.path("blocked.json");
    std::fs::create_dir(format!(
        "{}",
        Path::new(&blocked).with_extension("part").display()
    ))
    .unwrap();
    let shown = founder.acts(&[&words[..], &[&blocked]].concat());
    let why = refused_with(&shown, 2);
    assert!(why.contains("blocked"), "{why}");
    let text = String::from_utf8(shown.stdout).unwrap();
    assert!(text.contains("FraudCourt"), "{text}");
    let nonce = desk.nonce(&founder).await;
    std::fs::remove_dir(Path::new(&blocked).with_extension("part")).unwrap();
    let again = said(&founder.acts(&[&words[..], &[&blocked]].concat()));
    let court = |text: &str| {
        let line = text.lines().find(|line| line.starts_with("FraudCourt"));
        line.unwrap().to_owned()
    };
    assert_eq!(court(&again), court(&text));
    assert_eq!(desk.nonce(&founder).await, nonce);
}
