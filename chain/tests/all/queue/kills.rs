//! Killed between any two steps, and started again.

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use assay_chain::queue::{Journal, SharedJournal, TxError, TxQueue};
use assay_protocol::amount::Lpt;
use assay_protocol::{Address, U256};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

use super::network::{Account, Network};
use super::victim::{Task, config};
use super::{client, open, outcome, paid, pay, silent};
use crate::proxy::{Fault, Proxy, Side};

/// Dies with the process at `fault`, is opened again, and must have paid exactly once.
async fn killed_at(fault: Fault) {
    let network = Network::start().await;
    let account = network.account(60, 100).await;
    let proxy = Proxy::start(&network.anvil.url()).await;
    let behind = client(&proxy.url, &network.deployment, &account.key).await;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("transactions");
    let nonce = account.client.transaction_count().await.unwrap();

    network.anvil.set_automine(false).await.unwrap();
    let queue = open(&behind, &path).await;
    proxy.set(fault);
    let ticket = queue.submit("pay", pay(5)).await.unwrap();
    let mut told = Box::pin(ticket.outcome());
    while proxy.sends.load(Ordering::SeqCst) == 0 {
        silent(&mut told).await;
    }
    queue.shutdown().await;
    assert_eq!(told.await, Err(TxError::Closed));

    proxy.set(Fault::None);
    let queue = open(&behind, &path).await;
    let ticket = queue.submit("pay", pay(5)).await.unwrap();
    tokio::time::sleep(Duration::from_millis(300)).await;
    network.anvil.mine(1).await.unwrap();
    let mined = outcome(ticket).await.unwrap();
    assert!(mined.gas_used > 21_000);
    assert_eq!(paid(&account).await, Lpt::whole(5));
    assert_eq!(account.client.transaction_count().await.unwrap(), nonce + 1);
    // Asked again, also after another restart, it tells the first outcome and pays nothing.
    queue.shutdown().await;
    let queue = open(&behind, &path).await;
    assert_eq!(
        outcome(queue.submit("pay", pay(5)).await.unwrap())
            .await
            .unwrap(),
        mined
    );
    assert_eq!(paid(&account).await, Lpt::whole(5));
}

#[tokio::test]
async fn killed_between_journal_and_send() {
    killed_at(Fault::BeforeSend).await;
}

#[tokio::test]
async fn killed_between_send_and_answer() {
    killed_at(Fault::AfterSend).await;
}

#[tokio::test]
async fn killed_after_an_error_that_says_nothing_about_the_transaction() {
    for fault in [
        Fault::TimeoutAfterSend,
        Fault::TimeoutBeforeSend,
        Fault::InternalAfterSend,
        Fault::InternalBeforeSend,
    ] {
        killed_at(fault).await;
    }
}

#[tokio::test]
async fn killed_between_send_and_block() {
    let network = Network::start().await;
    let account = network.account(61, 100).await;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("transactions");
    network.anvil.set_automine(false).await.unwrap();
    let queue = open(&account.client, &path).await;
    let mut first = Box::pin(queue.submit("first", pay(1)).await.unwrap().outcome());
    let mut second = Box::pin(queue.submit("second", pay(2)).await.unwrap().outcome());
    silent(&mut first).await;
    silent(&mut second).await;
    queue.shutdown().await;
    let queue = open(&account.client, &path).await;
    let tickets = [
        queue.submit("first", pay(1)).await.unwrap(),
        queue.submit("second", pay(2)).await.unwrap(),
    ];
    tokio::time::sleep(Duration::from_millis(200)).await;
    network.anvil.mine(1).await.unwrap();
    let mut blocks = Vec::new();
    for ticket in tickets {
        blocks.push(outcome(ticket).await.unwrap().block);
    }
    assert_eq!(blocks[0], blocks[1], "both in one block");
    assert_eq!(paid(&account).await, Lpt::whole(3));
}

/// What the chain and the journal say of the accounts before and after.
struct Books {
    accounts: Vec<Account>,
    nonces: Vec<u64>,
    ether: Vec<U256>,
    lpt: Vec<Lpt>,
}

impl Books {
    async fn open(accounts: Vec<Account>) -> Self {
        let mut books = Self {
            accounts,
            nonces: Vec::new(),
            ether: Vec::new(),
            lpt: Vec::new(),
        };
        books.read().await;
        books
    }

    async fn read(&mut self) {
        (self.nonces, self.ether, self.lpt) = (Vec::new(), Vec::new(), Vec::new());
        for account in &self.accounts {
            let (client, address) = (&account.client, account.key.address());
            self.nonces.push(client.transaction_count().await.unwrap());
            self.ether.push(client.eth_balance(address).await.unwrap());
            self.lpt.push(client.lpt_balance(address).await.unwrap());
        }
    }

    /// Every call of the task has happened exactly once, and nothing else; the journal's gas is the chain's.
    async fn check(&mut self, task: &Task) {
        let (nonces, ether, lpt) = (self.nonces.clone(), self.ether.clone(), self.lpt.clone());
        self.read().await;
        let (mut all_lpt, mut all_wei) = (0, 0);
        for i in 0..task.calls {
            let (lpt, wei) = Task::amounts(i);
            if i.is_multiple_of(2) {
                all_lpt += lpt;
            } else {
                all_wei += wei;
            }
        }
        let count = task.accounts.len() as u64;
        let client = &self.accounts[0].client;
        assert_eq!(
            client.lpt_balance(task.payee).await.unwrap(),
            Lpt::whole(all_lpt * count)
        );
        assert_eq!(
            client.eth_balance(task.payee).await.unwrap(),
            U256::from(all_wei * count)
        );
        for (i, account) in self.accounts.iter().enumerate() {
            let shared = SharedJournal::open(&account.client, task.journal.clone());
            let journal = Journal::Shared(shared.await.unwrap());
            let queue = TxQueue::open(&account.client, journal, config())
                .await
                .unwrap();
            let gas = queue.gas_today().await.unwrap().spent;
            queue.shutdown().await;
            assert_eq!(self.nonces[i] - nonces[i], task.calls, "nonces");
            assert_eq!(lpt[i].0 - self.lpt[i].0, Lpt::whole(all_lpt).0);
            assert_eq!(ether[i] - self.ether[i], U256::from(all_wei) + gas, "gas");
        }
    }
}

async fn two_accounts(network: &Network, numbers: [u8; 2]) -> (Vec<Account>, Vec<u8>) {
    let mut accounts = Vec::new();
    for number in numbers {
        accounts.push(network.account(number, 100_000).await);
    }
    (accounts, numbers.to_vec())
}

fn payee(run: u32) -> Address {
    let mut bytes = [0xcc; 20];
    bytes[..4].copy_from_slice(&run.to_be_bytes());
    Address::from(bytes)
}

/// A fresh journal for each kill; the process dies by SIGKILL at one request of the queue, before the chain hears of it
/// or before the process hears of the answer, and is started again. Requests stand between all steps: whatever the
/// journal and the chain can disagree about, one of these kills leaves them so.
#[tokio::test]
async fn killed_at_every_step_nothing_is_lost_or_doubled() {
    let network = Network::start().await;
    let (accounts, numbers) = two_accounts(&network, [75, 76]).await;
    let mut books = Books::open(accounts).await;
    let proxy = Proxy::start(&network.anvil.url()).await;
    let (mut kills, mut run) = (0, 0);
    for side in [Side::Before, Side::After] {
        for step in 1.. {
            run += 1;
            let folder = tempfile::tempdir().unwrap();
            let task = Task {
                url: proxy.url.clone(),
                deployment: network.deployment.clone(),
                journal: folder.path().join("transactions"),
                accounts: numbers.clone(),
                payee: payee(run),
                calls: 2,
            };
            let sprung = proxy.trap(step, side);
            let mut child = task.spawn();
            let killed = tokio::select! {
                _ = sprung => true,
                ended = child.wait() => {
                    assert!(ended.unwrap().success(), "step {step} {side:?}");
                    false
                }
            };
            child.kill().await.unwrap();
            proxy.disarm();
            if killed {
                kills += 1;
                let mut again = task.spawn();
                let again = tokio::time::timeout(Duration::from_secs(60), again.wait()).await;
                assert!(
                    again.unwrap().unwrap().success(),
                    "after step {step} {side:?}"
                );
            }
            books.check(&task).await;
            if !killed {
                break;
            }
        }
    }
    println!("{kills} kills");
    assert!(kills > 20, "{kills}");
}

/// Kills at any moment, also within a write, while blocks come, go and are replaced and the first of two nodes fails.
#[tokio::test]
async fn killed_at_random_among_reorganisations_and_failing_nodes() {
    let seed: u64 = std::env::var("ASSAY_TEST_SEED").map_or(7, |s| s.parse().unwrap());
    println!("ASSAY_TEST_SEED={seed}");
    let mut random = StdRng::seed_from_u64(seed);
    let network = Network::start().await;
    let (accounts, numbers) = two_accounts(&network, [77, 78]).await;
    let mut books = Books::open(accounts).await;
    network.anvil.mine(8).await.unwrap();
    network.anvil.set_automine(false).await.unwrap();
    let first = Proxy::start(&network.anvil.url()).await;
    let second = Proxy::start(&network.anvil.url()).await;
    let folder = tempfile::tempdir().unwrap();
    let task = Task {
        url: format!("{},{}", first.url, second.url),
        deployment: network.deployment.clone(),
        journal: folder.path().join("transactions"),
        accounts: numbers,
        payee: payee(0),
        calls: 60,
    };
    let mut kills = 0;
    let mut child = task.spawn();
    let begun = Instant::now();
    let (mut mined, mut reorganised) = (0, false);
    for turn in 0.. {
        let pause = Duration::from_millis(random.gen_range(20..300));
        let ended = tokio::time::timeout(pause, child.wait()).await;
        if let Ok(ended) = ended {
            assert!(ended.unwrap().success());
            // Blocks may have gone while it was ending: the next one finds what they took along.
            if !std::mem::take(&mut reorganised) {
                break;
            }
            child = task.spawn();
            continue;
        }
        assert!(begun.elapsed() < Duration::from_secs(120), "no end");
        match random.gen_range(0..10) {
            // The first kills are a matter of turns: how long the child lives depends on the machine.
            draw if kills < 6 && turn % 2 == 1 || kills < 30 && draw < 4 => {
                child.kill().await.unwrap();
                kills += 1;
                child = task.spawn();
            }
            4 => {
                let faults = [
                    Fault::Down,
                    Fault::AfterSend,
                    Fault::BeforeSend,
                    Fault::None,
                ];
                first.set(faults[random.gen_range(0..faults.len())]);
            }
            5 if mined > 3 && kills < 30 => {
                network.anvil.reorg(random.gen_range(1..3)).await.unwrap();
                (mined, reorganised) = (0, true);
            }
            _ => {
                network.anvil.mine(1).await.unwrap();
                mined += 1;
            }
        }
    }
    println!("{kills} kills");
    assert!(kills > 5, "{kills}");
    books.check(&task).await;
}
