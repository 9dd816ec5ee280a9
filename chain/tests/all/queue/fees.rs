//! Transactions that are stuck, and nonces that others use.

use std::sync::atomic::Ordering;
use std::time::Duration;

use assay_chain::call::TokenCall;
use assay_chain::queue::{FeeCaps, Journal, QueueConfig, TxQueue};
use assay_protocol::amount::Lpt;
use assay_protocol::{Address, U256};

use super::network::{Network, fast};
use super::{client, outcome, paid, pay, silent};
use crate::proxy::{Fault, Proxy};

fn gwei(amount: u64) -> U256 {
    U256::from(amount) * U256::from(1_000_000_000_u64)
}

/// A tip of one gwei, and so many in all.
fn capped(total: u64) -> FeeCaps {
    FeeCaps {
        tip: gwei(1),
        total: gwei(total),
    }
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
async fn above_the_fee_cap_a_call_waits_for_a_lower_base_fee() {
    let network = Network::start().await;
    let account = network.account(65, 10).await;
    let caps = capped(10);
    let config = QueueConfig {
        fees: caps,
        ..fast()
    };
    let dear = gwei(50);
    network.anvil.set_next_base_fee(dear).await.unwrap();
    network.anvil.mine(1).await.unwrap();
    let nonce = account.client.transaction_count().await.unwrap();
    let proxy = Proxy::start(&network.anvil.url()).await;
    let behind = client(&proxy.url, &network.deployment, &account.key).await;
    let queue = TxQueue::open(&behind, Journal::Memory, config)
        .await
        .unwrap();
    let mut told = Box::pin(queue.submit("pay", pay(1)).await.unwrap().outcome());
    silent(&mut told).await;
    for i in 2..4 {
        network.anvil.set_next_base_fee(dear).await.unwrap();
        network.anvil.mine(1).await.unwrap();
        silent(&mut told).await;
        // Once with each block, and nothing is promised meanwhile.
        assert_eq!(proxy.sends.load(Ordering::SeqCst), i);
        assert_eq!(queue.gas_today().await.unwrap().spent, U256::ZERO);
    }
    let trouble = queue.trouble().borrow().clone();
    assert!(trouble.is_some_and(|why| why.contains("waits for a lower base fee")));
    network.anvil.set_next_base_fee(gwei(1)).await.unwrap();
    network.anvil.mine(1).await.unwrap();
    let mined = tokio::time::timeout(Duration::from_secs(10), told).await;
    assert!(mined.unwrap().unwrap().gas_price <= caps.total);
    assert_eq!(paid(&account).await, Lpt::whole(1));
    assert_eq!(account.client.transaction_count().await.unwrap(), nonce + 1);
    assert_eq!(*queue.trouble().borrow(), None);
}

#[tokio::test]
async fn what_is_not_refused_for_its_price_is_not_offered_for_more() {
    let network = Network::start().await;
    let account = network.account(67, 10).await;
    network.anvil.set_automine(false).await.unwrap();
    let caps = capped(60);
    let config = QueueConfig {
        fees: caps,
        stuck_blocks: 1,
        ..fast()
    };
    let proxy = Proxy::start(&network.anvil.url()).await;
    let behind = client(&proxy.url, &network.deployment, &account.key).await;
    let queue = TxQueue::open(&behind, Journal::Memory, config)
        .await
        .unwrap();
    let ticket = queue.submit("pay", pay(2)).await.unwrap();
    while proxy.sends.load(Ordering::SeqCst) == 0 {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    tokio::time::sleep(Duration::from_millis(200)).await;
    proxy.set(Fault::Refuses);
    network.anvil.drop_waiting().await.unwrap();
    let before = proxy.sends.load(Ordering::SeqCst);
    for _ in 0..8 {
        network.anvil.mine(1).await.unwrap();
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    assert!(
        proxy.sends.load(Ordering::SeqCst) >= before + 4,
        "it is offered again"
    );
    proxy.set(Fault::None);
    let mut told = Box::pin(ticket.outcome());
    let mined = loop {
        network.anvil.set_next_base_fee(gwei(1)).await.unwrap();
        network.anvil.mine(1).await.unwrap();
        if let Ok(outcome) = tokio::time::timeout(Duration::from_millis(300), &mut told).await {
            break outcome.unwrap();
        }
    };
    // After eight replacements it would be two and a half times the tip.
    assert!(
        mined.gas_price <= gwei(1) + caps.tip * U256::from(3) / U256::from(2),
        "{}",
        mined.gas_price
    );
    assert_eq!(paid(&account).await, Lpt::whole(2));
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
