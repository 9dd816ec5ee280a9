//! What callers are told, and what is never sent.

use std::sync::atomic::Ordering;
use std::time::Duration;

use assay_chain::call::{RoundsCall, StakeCall, TokenCall};
use assay_chain::client::Client;
use assay_chain::queue::{FeeCaps, Journal, QueueConfig, TxError, TxQueue};
use assay_chain::views::Role;
use assay_chain::watcher::{Event, Watcher, WatcherConfig};
use assay_protocol::U256;
use assay_protocol::amount::Lpt;

use super::network::{Account, Network, fast};
use super::{client, outcome, paid, pay, silent};
use crate::proxy::{Fault, Proxy};

/// A proxy of the network's node, and the account's client and queue behind it.
async fn through(network: &Network, account: &Account) -> (Proxy, Client, TxQueue) {
    let proxy = Proxy::start(&network.anvil.url()).await;
    let behind = client(&proxy.url, &network.deployment, &account.key).await;
    let queue = TxQueue::open(&behind, Journal::Memory, fast()).await;
    (proxy, behind, queue.unwrap())
}

#[tokio::test]
async fn a_node_that_is_away_loses_nothing() {
    let network = Network::start().await;
    let account = network.account(62, 100).await;
    let (proxy, behind, queue) = through(&network, &account).await;
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
async fn an_error_that_says_nothing_about_the_transaction_fails_nothing() {
    let network = Network::start().await;
    let account = network.account(62, 100).await;
    network.anvil.set_automine(false).await.unwrap();
    let faults = [
        Fault::TimeoutAfterSend,
        Fault::InternalAfterSend,
        Fault::TimeoutBeforeSend,
        Fault::InternalBeforeSend,
    ];
    for (i, fault) in (1..).zip(faults) {
        let (proxy, _, queue) = through(&network, &account).await;
        let nonce = account.client.transaction_count().await.unwrap();
        proxy.set(fault);
        let mut told = Box::pin(queue.submit("pay", pay(1)).await.unwrap().outcome());
        silent(&mut told).await;
        assert!(
            proxy.sends.load(Ordering::SeqCst) > 1,
            "it is offered again"
        );
        let trouble = queue.trouble().borrow().clone();
        assert!(trouble.is_some_and(|why| why.contains("code -32")));
        if matches!(fault, Fault::TimeoutBeforeSend | Fault::InternalBeforeSend) {
            proxy.set(Fault::None);
            silent(&mut told).await;
        }
        // In a pool already it is found, whatever the node goes on saying.
        network.anvil.mine(1).await.unwrap();
        let outcome = tokio::time::timeout(Duration::from_secs(10), told).await;
        outcome.unwrap().unwrap();
        assert_eq!(paid(&account).await, Lpt::whole(i));
        assert_eq!(account.client.transaction_count().await.unwrap(), nonce + 1);
    }
}

/// Several nodes may be behind one address.
#[tokio::test]
async fn what_is_refused_and_taken_all_the_same_is_not_signed_anew() {
    let network = Network::start().await;
    let account = network.account(65, 10).await;
    let (proxy, _, queue) = through(&network, &account).await;
    let nonce = account.client.transaction_count().await.unwrap();
    proxy.set(Fault::RefusesAfterSend);
    let told = queue.submit("pay", pay(1)).await.unwrap().outcome();
    let told = tokio::time::timeout(Duration::from_secs(10), told).await;
    told.unwrap().unwrap();
    assert_eq!(paid(&account).await, Lpt::whole(1));
    assert_eq!(account.client.transaction_count().await.unwrap(), nonce + 1);
}

#[tokio::test]
async fn a_receipt_from_a_block_that_is_not_in_the_chain_is_not_believed() {
    let network = Network::start().await;
    let account = network.account(66, 10).await;
    let (proxy, _, queue) = through(&network, &account).await;
    proxy.set(Fault::WrongReceipt);
    let mut told = Box::pin(queue.submit("pay", pay(1)).await.unwrap().outcome());
    silent(&mut told).await;
    network.anvil.mine(3).await.unwrap();
    silent(&mut told).await;
    assert_eq!(paid(&account).await, Lpt::default());
    proxy.set(Fault::None);
    network.anvil.mine(3).await.unwrap();
    let told = tokio::time::timeout(Duration::from_secs(10), told).await;
    told.unwrap().unwrap();
    assert_eq!(paid(&account).await, Lpt::whole(1));
}

#[tokio::test]
async fn a_node_that_is_asked_too_much_fails_no_call() {
    let network = Network::start().await;
    let account = network.account(64, 10).await;
    let first = Proxy::start(&network.anvil.url()).await;
    let second = Proxy::start(&network.anvil.url()).await;
    let both = format!("{},{}", first.url, second.url);
    for (i, url) in (1..).zip([first.url.as_str(), both.as_str()]) {
        let behind = client(url, &network.deployment, &account.key).await;
        let queue = TxQueue::open(&behind, Journal::Memory, fast())
            .await
            .unwrap();
        for proxy in [&first, &second] {
            proxy.set(Fault::NoEstimates);
        }
        let mut told = Box::pin(queue.submit("pay", pay(1)).await.unwrap().outcome());
        for _ in 0..3 {
            silent(&mut told).await;
        }
        let trouble = queue.trouble().borrow().clone();
        assert!(trouble.is_some_and(|why| why.contains("limit exceeded")));
        for proxy in [&first, &second] {
            proxy.set(Fault::None);
        }
        let outcome = tokio::time::timeout(Duration::from_secs(10), told).await;
        outcome.unwrap().unwrap();
        assert_eq!(paid(&account).await, Lpt::whole(i));
    }
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
        sentence.contains("has 10 LPT and needs 11 LPT"),
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
async fn calls_that_depend_on_each_other_share_a_block() {
    let network = Network::start().await;
    let account = network.funded(72, 20).await;
    let amount = Lpt::whole(20);
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
