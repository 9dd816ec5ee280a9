//! The transaction queue against a real chain: killed at every step, starved of fees, reorganised.
#![allow(clippy::unwrap_used, clippy::panic)]

mod network;

use std::path::Path;
use std::sync::atomic::Ordering;
use std::time::Duration;

use assay_chain::call::{Call, RoundsCall, StakeCall, TokenCall};
use assay_chain::client::Client;
use assay_chain::contracts::Deployment;
use assay_chain::error::ChainError;
use assay_chain::queue::{FeeCaps, Journal, QueueConfig, StoreError, Ticket, TxError, TxQueue};
use assay_chain::views::Role;
use assay_chain::watcher::{Event, Watcher, WatcherConfig};
use assay_protocol::amount::Lpt;
use assay_protocol::sig::OperatorKey;
use assay_protocol::{Address, U256};
use network::proxy::{Fault, Proxy};
use network::{Account, Network, fast};

const PAYEE: Address = Address::repeat_byte(0xbe);

fn pay(lpt: u64) -> TokenCall {
    TokenCall::Transfer {
        to: PAYEE,
        amount: Lpt::whole(lpt),
    }
}

async fn client(url: &str, deployment: &Deployment, key: &OperatorKey) -> Client {
    Client::connect(url, deployment, key.clone()).await.unwrap()
}

async fn open(client: &Client, path: &Path) -> TxQueue {
    TxQueue::open(client, Journal::File(path.to_owned()), fast())
        .await
        .unwrap()
}

/// Has no outcome for as long as a wrong queue would need to bring one.
async fn silent(
    ticket: &mut std::pin::Pin<
        Box<impl Future<Output = Result<assay_chain::queue::Mined, TxError>>>,
    >,
) {
    let early = tokio::time::timeout(Duration::from_millis(400), ticket).await;
    assert!(early.is_err(), "{early:?}");
}

async fn outcome(ticket: Ticket) -> Result<assay_chain::queue::Mined, TxError> {
    tokio::time::timeout(Duration::from_secs(20), ticket.outcome())
        .await
        .expect("an outcome within 20 s")
}

async fn paid(account: &Account) -> Lpt {
    account.client.lpt_balance(PAYEE).await.unwrap()
}

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

#[tokio::test]
async fn a_node_that_is_away_loses_nothing() {
    let network = Network::start().await;
    let account = network.account(62, 100).await;
    let proxy = Proxy::start(&network.anvil.url()).await;
    let behind = client(&proxy.url, &network.deployment, &account.key).await;
    let queue = TxQueue::open(&behind, Journal::Memory, fast())
        .await
        .unwrap();
    let mut watcher = Watcher::start(
        &behind,
        WatcherConfig {
            poll: Duration::from_millis(20),
            ..Default::default()
        },
    )
    .await
    .unwrap();
    proxy.set(Fault::Down);
    let mut told = Box::pin(queue.submit("pay", pay(4)).await.unwrap().outcome());
    silent(&mut told).await;
    network.anvil.mine(3).await.unwrap();
    proxy.set(Fault::None);
    let mined = tokio::time::timeout(Duration::from_secs(10), told)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(paid(&account).await, Lpt::whole(4));
    // The watcher filled the gap.
    let mut numbers = Vec::new();
    while numbers.last() != Some(&mined.block) {
        if let Event::Block(block, _) = watcher.next().await.unwrap() {
            numbers.push(block.number);
        }
    }
    let expected: Vec<u64> = (mined.block - 4..=mined.block).collect();
    assert_eq!(numbers, expected);
}

#[tokio::test]
async fn a_call_that_would_fail_is_not_sent_and_may_be_tried_again() {
    let network = Network::start().await;
    let account = network.account(63, 10).await;
    let sentence = account.refused(pay(11)).await;
    assert!(
        sentence.contains("ERC20 insufficient balance"),
        "{sentence}"
    );
    assert!(
        !sentence.contains("0x08c3") && sentence.contains("needed 11000000000000000000"),
        "{sentence}"
    );
    let error = account.queue.run("retry", pay(11)).await.unwrap_err();
    assert!(matches!(error, TxError::WouldRevert { .. }));
    let more = TokenCall::Transfer {
        to: account.key.address(),
        amount: Lpt::whole(1),
    };
    network.deployer.run("more", more).await;
    account.run("retry", pay(11)).await;
    assert_eq!(paid(&account).await, Lpt::whole(11));
}

#[tokio::test]
async fn a_failure_in_the_block_is_told_with_its_reason() {
    let network = Network::start().await;
    let account = network.account(64, 10).await;
    let rival = network.account(65, 0).await;
    // Both may open the round when they look; one is second in the block.
    network.anvil.mine(8).await.unwrap();
    network.anvil.set_automine(false).await.unwrap();
    let dear = FeeCaps {
        tip: U256::from(3_000_000_000_u64),
        ..FeeCaps::default()
    };
    let proxy = Proxy::start(&network.anvil.url()).await;
    let slow = client(&proxy.url, &network.deployment, &account.key).await;
    let slow = TxQueue::open(&slow, Journal::Memory, fast()).await.unwrap();
    // The slow one passes its check and signs while the pool is empty, then its node goes away.
    proxy.set(Fault::BeforeSend);
    let second = slow.submit("open", RoundsCall::Open).await.unwrap();
    while proxy.sends.load(Ordering::SeqCst) == 0 {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let eager = TxQueue::open(
        &rival.client,
        Journal::Memory,
        QueueConfig {
            fees: dear,
            ..fast()
        },
    )
    .await
    .unwrap();
    let first = eager.submit("open", RoundsCall::Open).await.unwrap();
    tokio::time::sleep(Duration::from_millis(300)).await;
    network.anvil.mine(1).await.unwrap();
    outcome(first).await.unwrap();
    proxy.set(Fault::None);
    tokio::time::sleep(Duration::from_millis(300)).await;
    network.anvil.mine(1).await.unwrap();
    let error = outcome(second).await.unwrap_err();
    let TxError::Reverted {
        revert, gas_used, ..
    } = &error
    else {
        panic!("{error}")
    };
    assert!(revert.is("RoundNotOver") && *gas_used > 21_000, "{error}");
    assert!(error.to_string().contains("round not over"), "{error}");
}

#[tokio::test]
async fn a_stuck_transaction_offers_more_until_it_is_taken() {
    let network = Network::start().await;
    let account = network.account(66, 10).await;
    network.anvil.set_automine(false).await.unwrap();
    let caps = FeeCaps {
        tip: U256::from(100_000_000_u64),
        total: U256::from(60_000_000_000_u64),
    };
    let config = QueueConfig {
        fees: caps,
        stuck_blocks: 2,
        ..fast()
    };
    let queue = TxQueue::open(&account.client, Journal::Memory, config)
        .await
        .unwrap();
    let ticket = queue.submit("pay", pay(1)).await.unwrap();
    tokio::time::sleep(Duration::from_millis(300)).await;
    // The base fee jumps above everything that was offered.
    let mut told = Box::pin(ticket.outcome());
    let mut blocks = 0;
    let mined = loop {
        network
            .anvil
            .set_next_base_fee(U256::from(20_000_000_000_u64))
            .await
            .unwrap();
        network.anvil.mine(1).await.unwrap();
        blocks += 1;
        assert!(blocks < 20, "never taken");
        if let Ok(outcome) = tokio::time::timeout(Duration::from_millis(300), &mut told).await {
            break outcome.unwrap();
        }
    };
    assert!(blocks >= 3, "the first offer was too high for this test");
    assert!(mined.gas_price >= U256::from(20_000_000_000_u64) && mined.gas_price <= caps.total);
    assert_eq!(paid(&account).await, Lpt::whole(1));
}

#[tokio::test]
async fn a_reorganised_transaction_happens_again() {
    let network = Network::start().await;
    let account = network.account(67, 10).await;
    let mut watcher = Watcher::start(
        &account.client,
        WatcherConfig {
            poll: Duration::from_millis(20),
            ..Default::default()
        },
    )
    .await
    .unwrap();
    let bond = StakeCall::Bond {
        role: Role::Transcoder,
        amount: Lpt::whole(10),
    };
    let mined = account.queue.run("bond", bond).await.unwrap();
    network.anvil.mine(2).await.unwrap();
    tokio::time::sleep(Duration::from_millis(300)).await;
    network.anvil.reorg(4).await.unwrap();
    let operator = account.key.address();
    let mut waited = 0;
    while account
        .client
        .pool(Role::Transcoder, operator)
        .await
        .unwrap()
        .own
        != Lpt::whole(10)
    {
        assert!(waited < 100, "the bond was lost");
        waited += 1;
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(
        account.client.lpt_balance(operator).await.unwrap(),
        Lpt(U256::ZERO)
    );
    let again = account.client.events_of(mined.tx).await.unwrap();
    assert!(
        !again.is_empty() && again[0].block >= mined.block,
        "{again:?}"
    );
    // The watcher says what is void, and yields the new blocks from there.
    let mut last = 0;
    let mut void_from = None;
    while let Ok(Some(event)) =
        tokio::time::timeout(Duration::from_millis(500), watcher.next()).await
    {
        match event {
            Event::Block(block, _) => {
                assert!(
                    last == 0 || block.number == last + 1,
                    "{block:?} after {last}"
                );
                last = block.number;
            }
            Event::Past { .. } => panic!("the watcher began at the head"),
            Event::Reorg { ancestor } => {
                assert!(ancestor < mined.block);
                void_from = Some(ancestor);
                last = ancestor;
            }
        }
    }
    assert!(void_from.is_some());
}

#[tokio::test]
async fn one_journal_serves_one_queue_of_one_account_on_one_chain() {
    let network = Network::start().await;
    let account = network.account(68, 1).await;
    let folder = tempfile::tempdir().unwrap();
    let journal = || Journal::File(folder.path().join("transactions"));
    let queue = TxQueue::open(&account.client, journal(), fast())
        .await
        .unwrap();
    let twice = TxQueue::open(&account.client, journal(), fast())
        .await
        .unwrap_err();
    assert!(
        matches!(twice, ChainError::Journal(StoreError::InUse { .. })),
        "{twice}"
    );
    queue.shutdown().await;
    let foreign = TxQueue::open(&network.deployer.client, journal(), fast())
        .await
        .unwrap_err();
    assert!(
        matches!(foreign, ChainError::Journal(StoreError::Foreign { .. })),
        "{foreign}"
    );
    // Chains that start within one second have one genesis.
    tokio::time::sleep(Duration::from_millis(1_100)).await;
    let other_chain = Network::start().await;
    let same_key = other_chain.account(68, 1).await;
    let foreign = TxQueue::open(&same_key.client, journal(), fast())
        .await
        .unwrap_err();
    assert!(
        matches!(foreign, ChainError::Journal(StoreError::Foreign { .. })),
        "{foreign}"
    );
}

#[tokio::test]
async fn another_program_on_the_same_account_costs_a_new_nonce_only() {
    let network = Network::start().await;
    let account = network.account(69, 20).await;
    let proxy = Proxy::start(&network.anvil.url()).await;
    let behind = client(&proxy.url, &network.deployment, &account.key).await;
    let queue = TxQueue::open(&behind, Journal::Memory, fast())
        .await
        .unwrap();
    proxy.set(Fault::BeforeSend);
    let ticket = queue.submit("pay", pay(3)).await.unwrap();
    while proxy.sends.load(Ordering::SeqCst) == 0 {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    // Takes the nonce that the queue has signed for.
    account
        .run(
            "elsewhere",
            TokenCall::Transfer {
                to: Address::repeat_byte(1),
                amount: Lpt::whole(1),
            },
        )
        .await;
    proxy.set(Fault::None);
    for _ in 0..4 {
        tokio::time::sleep(Duration::from_millis(200)).await;
        network.anvil.mine(1).await.unwrap();
    }
    outcome(ticket).await.unwrap();
    assert_eq!(paid(&account).await, Lpt::whole(3));
}

#[tokio::test]
async fn without_ether_the_node_s_words_are_told() {
    let network = Network::start().await;
    let account = network.account(70, 5).await;
    network
        .anvil
        .set_balance(account.key.address(), U256::from(1))
        .await
        .unwrap();
    let error = account.queue.run("pay", pay(1)).await.unwrap_err();
    assert!(matches!(error, TxError::Refused { .. }), "{error:?}");
    assert!(error.to_string().to_lowercase().contains("fund"), "{error}");
}

#[tokio::test]
async fn a_nonce_left_open_by_another_program_is_filled() {
    let network = Network::start().await;
    let account = network.account(71, 20).await;
    network.anvil.set_automine(false).await.unwrap();
    let elsewhere = TokenCall::Transfer {
        to: Address::repeat_byte(1),
        amount: Lpt::whole(1),
    };
    let foreign = TxQueue::open(&account.client, Journal::Memory, fast())
        .await
        .unwrap();
    let lost = foreign.submit("elsewhere", elsewhere).await.unwrap();
    tokio::time::sleep(Duration::from_millis(200)).await;
    // Signed behind the foreign one, which the pool then forgets and nobody sends again.
    let ticket = account.queue.submit("pay", pay(6)).await.unwrap();
    tokio::time::sleep(Duration::from_millis(200)).await;
    foreign.shutdown().await;
    drop(lost);
    network.anvil.drop_waiting().await.unwrap();
    let mut told = Box::pin(ticket.outcome());
    let mut blocks = 0;
    let mined = loop {
        network.anvil.mine(1).await.unwrap();
        blocks += 1;
        assert!(blocks < 20, "never taken");
        if let Ok(outcome) = tokio::time::timeout(Duration::from_millis(200), &mut told).await {
            break outcome.unwrap();
        }
    };
    assert_eq!(paid(&account).await, Lpt::whole(6));
    let view = account.client.transaction(mined.tx).await.unwrap().unwrap();
    assert_eq!(
        (view.from, view.block),
        (account.key.address(), mined.block)
    );
    assert!(view.succeeded && view.gas_used == mined.gas_used);
    assert_eq!(
        account
            .client
            .lpt_balance(Address::repeat_byte(1))
            .await
            .unwrap(),
        Lpt(U256::ZERO)
    );
}

#[tokio::test]
async fn calls_that_depend_on_each_other_share_a_block() {
    let network = Network::start().await;
    let key = OperatorKey::from_bytes([72; 32]).unwrap();
    let ether = U256::from(10).pow(U256::from(20));
    network
        .anvil
        .set_balance(key.address(), ether)
        .await
        .unwrap();
    let amount = Lpt::whole(20);
    let to = key.address();
    network
        .deployer
        .run("fund", TokenCall::Transfer { to, amount })
        .await;
    let account = Account::open(&network.anvil, &network.deployment, key).await;
    network.anvil.set_automine(false).await.unwrap();
    let role = Role::Transcoder;
    let spender = network.deployment.contracts.bonding_manager;
    let approve = account
        .queue
        .submit("approve", TokenCall::Approve { spender, amount })
        .await
        .unwrap();
    let bond = account
        .queue
        .submit("bond", StakeCall::Bond { role, amount })
        .await
        .unwrap();
    tokio::time::sleep(Duration::from_millis(300)).await;
    network.anvil.mine(1).await.unwrap();
    let (approve, bond) = (
        outcome(approve).await.unwrap(),
        outcome(bond).await.unwrap(),
    );
    assert_eq!(approve.block, bond.block);
}
