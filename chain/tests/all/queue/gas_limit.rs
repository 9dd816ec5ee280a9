//! The daily gas limit: kept over restarts, with a part that only evidence may use, and said when it stops something.

use std::time::Duration;

use assay_chain::call::{
    Call, ChallengeCall, CourtCall, EtherCall, RoundsCall, StakeCall, TokenCall,
};
use assay_chain::queue::budget::{GasLimit, Purpose};
use assay_chain::queue::{Journal, QueueConfig, TxQueue};
use assay_chain::views::Role;
use assay_protocol::U256;
use assay_protocol::amount::Lpt;

use super::network::scene::Scene;
use super::network::{Account, Network, fast};
use super::{outcome, paid, pay, silent};

/// Wei that one payment promises at the present fees: its gas with the margin, at the highest price offered.
async fn promised(account: &Account, call: impl Into<Call>) -> U256 {
    let before = account.queue.gas_today().await.unwrap().spent;
    let held = TxQueue::open(&account.client, Journal::Memory, limited(U256::from(1), 0)).await;
    let held = held.unwrap();
    let mut notices = held.held();
    let _ticket = held.submit("measure", call).await.unwrap();
    let notice = tokio::time::timeout(Duration::from_secs(10), notices.recv()).await;
    assert_eq!(account.queue.gas_today().await.unwrap().spent, before);
    notice.unwrap().unwrap().asked
}

fn limited(wei_per_day: U256, for_evidence: u8) -> QueueConfig {
    QueueConfig {
        daily_gas: Some(GasLimit {
            wei_per_day,
            for_evidence,
        }),
        ..fast()
    }
}

#[tokio::test]
async fn a_day_s_gas_is_kept_over_restarts_and_the_rest_waits_for_midnight() {
    let network = Network::start().await;
    let account = network.account(80, 100).await;
    let one = promised(&account, pay(1)).await;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("transactions");
    // Room for two at the highest price, none reserved; each costs less when it is mined.
    let config = limited(one * U256::from(2), 0);
    let mut queue = TxQueue::open(&account.client, Journal::File(path.clone()), config.clone())
        .await
        .unwrap();
    let ether = account
        .client
        .eth_balance(account.key.address())
        .await
        .unwrap();
    let mut sent = 0_u64;
    let stopped = loop {
        let mut notices = queue.held();
        let ticket = queue.submit(format!("pay {sent}"), pay(1)).await.unwrap();
        tokio::select! {
            done = outcome(ticket) => { done.unwrap(); }
            notice = notices.recv() => break notice.unwrap(),
        }
        sent += 1;
        assert!(sent < 50, "never stopped");
        // What was spent is as the chain has it, and survives.
        let today = queue.gas_today().await.unwrap();
        let now = account
            .client
            .eth_balance(account.key.address())
            .await
            .unwrap();
        assert_eq!(today.spent, ether - now);
        assert!(today.spent <= today.limit.unwrap());
        queue.shutdown().await;
        queue = TxQueue::open(&account.client, Journal::File(path.clone()), config.clone())
            .await
            .unwrap();
    };
    assert!(sent >= 2, "{sent}");
    assert_eq!(
        (stopped.purpose, stopped.key),
        (Purpose::Chore, format!("pay {sent}"))
    );
    assert!(stopped.spent + stopped.asked > stopped.share);
    // Also after another restart it waits.
    queue.shutdown().await;
    let queue = TxQueue::open(&account.client, Journal::File(path), config)
        .await
        .unwrap();
    let ticket = queue.submit(format!("pay {sent}"), pay(1)).await.unwrap();
    let mut told = Box::pin(ticket.outcome());
    silent(&mut told).await;
    assert_eq!(paid(&account).await, Lpt::whole(sent));
    // Midnight by the chain's clock.
    network.anvil.advance_time(86_400).await.unwrap();
    network.anvil.mine(1).await.unwrap();
    let done = tokio::time::timeout(Duration::from_secs(20), told).await;
    done.unwrap().unwrap();
    assert_eq!(paid(&account).await, Lpt::whole(sent + 1));
}

/// [answers made too dear] Silence is slashed, and each answer paid for by who demands it.
#[tokio::test]
async fn no_limit_holds_an_answer() {
    let scene = Scene::set().await;
    let (asker, _) = &scene.verifiers[1];
    let spender = scene.network.deployment.contracts.challenges;
    let amount = Lpt::whole(20);
    let approve = TokenCall::Approve { spender, amount };
    asker.run("approve challenges", approve).await;
    let (work, leaves, _) = scene.work(0).await;
    let demand = ChallengeCall::ChallengeLeaf(Box::new(scene.demand(&work, 3)));
    asker.run("demand", demand).await;
    let account = &scene.transcoder;
    let queue = TxQueue::open(&account.client, Journal::Memory, limited(U256::ZERO, 0))
        .await
        .unwrap();
    let to = assay_protocol::Address::repeat_byte(7);
    let wei = U256::from(1);
    let chore = queue.submit("send", EtherCall::Send { to, wei }).await;
    let mut told = Box::pin(chore.unwrap().outcome());
    silent(&mut told).await;
    let opening = ChallengeCall::OpenLeaf(Box::new(scene.opening(&work, &leaves, 3)));
    outcome(queue.submit("open", opening).await.unwrap())
        .await
        .unwrap();
    silent(&mut told).await;
}

#[tokio::test]
async fn chores_cannot_starve_a_proof() {
    let scene = Scene::set().await;
    let account = &scene.verifiers[0].0;
    let proof = scene.proof(1, 3, &[0, 1, 2, 3]).await;
    let prove = CourtCall::Prove(Box::new(proof));
    let to = assay_protocol::Address::repeat_byte(7);
    let chore = || EtherCall::Send {
        to,
        wei: U256::from(1),
    };
    let needed = promised(account, prove.clone()).await;
    let small = promised(account, chore()).await;
    assert!(needed > small * U256::from(4), "{needed} {small}");
    // Nine tenths are evidence's; they just suffice for the proof.
    let limit = needed * U256::from(10) / U256::from(9) + U256::from(10);
    let queue = TxQueue::open(&account.client, Journal::Memory, limited(limit, 90))
        .await
        .unwrap();
    let mut notices = queue.held();
    let mut chores = 0;
    let mut told = loop {
        let ticket = queue
            .submit(format!("chore {chores}"), chore())
            .await
            .unwrap();
        let mut told = Box::pin(ticket.outcome());
        tokio::select! {
            done = &mut told => { done.unwrap(); }
            notice = notices.recv() => {
                assert_eq!(notice.unwrap().purpose, Purpose::Chore);
                break told;
            }
        }
        chores += 1;
        assert!(chores < 200, "chores were never stopped");
    };
    outcome(queue.submit("prove", prove).await.unwrap())
        .await
        .unwrap();
    let today = queue.gas_today().await.unwrap();
    assert!(today.spent > today.for_chores.unwrap());
    // The chore still waits.
    silent(&mut told).await;
}

/// A node's first chore may be dearer than what a day has, such as opening a large round while gas is dear. Its winners are
/// worth redeeming all the same.
#[tokio::test]
async fn what_is_too_dear_for_the_day_does_not_hold_up_what_is_not() {
    let network = Network::start().await;
    let account = network.account(81, 100).await;
    network.anvil.mine(20).await.unwrap();
    let dear = promised(&account, RoundsCall::Open).await;
    let small = promised(&account, pay(1)).await;
    assert!(dear > small * U256::from(3), "{dear} {small}");
    let limit = dear / U256::from(2);
    let queue = TxQueue::open(&account.client, Journal::Memory, limited(limit, 0))
        .await
        .unwrap();
    let mut notices = queue.held();
    let mut waits = Box::pin(
        queue
            .submit("open", RoundsCall::Open)
            .await
            .unwrap()
            .outcome(),
    );
    let told = notices.recv().await.unwrap().to_string();
    assert!(told.contains("a whole day's limit"), "{told}");
    // Behind what may never go out nothing waits, not even to fail.
    let error = outcome(queue.submit("too much", pay(101)).await.unwrap()).await;
    assert!(error.is_err());
    outcome(queue.submit("pay", pay(1)).await.unwrap())
        .await
        .unwrap();
    silent(&mut waits).await;
}

#[tokio::test]
async fn what_depends_on_what_goes_out_at_midnight_waits_for_it_alone() {
    let network = Network::start().await;
    let account = network.funded(82, 20).await;
    let amount = Lpt::whole(20);
    // The base fee has nothing left to fall.
    network.anvil.mine(100).await.unwrap();
    let spender = network.deployment.contracts.bonding_manager;
    let approve = TokenCall::Approve { spender, amount };
    let role = Role::Transcoder;
    let cheap = || EtherCall::Send {
        to: assay_protocol::Address::repeat_byte(7),
        wei: U256::from(1),
    };
    // Room for the allowance on a day of which nothing is spent, and for two small ones.
    let limit = promised(&account, approve.clone()).await + U256::from(1);
    let queue = TxQueue::open(&account.client, Journal::Memory, limited(limit, 0))
        .await
        .unwrap();
    queue.run("first", cheap()).await.unwrap();
    let mut notices = queue.held();
    let approved = queue.submit("approve", approve).await.unwrap();
    assert_eq!(notices.recv().await.unwrap().key, "approve");
    let bond = queue
        .submit("bond", StakeCall::Bond { role, amount })
        .await
        .unwrap();
    let mut bonded = Box::pin(bond.outcome());
    // Longer than a refusal is doubted.
    silent(&mut bonded).await;
    outcome(queue.submit("second", cheap()).await.unwrap())
        .await
        .unwrap();
    silent(&mut bonded).await;
    network.anvil.advance_time(86_400).await.unwrap();
    network.anvil.mine(1).await.unwrap();
    outcome(approved).await.unwrap();
    // It would succeed now, and is too dear for this limit.
    assert_eq!(notices.recv().await.unwrap().key, "bond");
}

#[tokio::test]
async fn filling_a_nonce_is_paid_by_the_day_too() {
    let network = Network::start().await;
    let account = network.account(83, 20).await;
    let limit = promised(&account, pay(6)).await + U256::from(1);
    network.anvil.set_automine(false).await.unwrap();
    // Another program's, which the pool then forgets and nobody sends again.
    let other = EtherCall::Send {
        to: assay_protocol::Address::repeat_byte(7),
        wei: U256::from(1),
    };
    let elsewhere = account.queue.submit("elsewhere", other).await.unwrap();
    tokio::time::sleep(Duration::from_millis(200)).await;
    let queue = TxQueue::open(&account.client, Journal::Memory, limited(limit, 0))
        .await
        .unwrap();
    let mut notices = queue.held();
    let ticket = queue.submit("pay", pay(6)).await.unwrap();
    tokio::time::sleep(Duration::from_millis(200)).await;
    account.queue.clone().shutdown().await;
    drop(elsewhere);
    network.anvil.drop_waiting().await.unwrap();
    let mut told = Box::pin(ticket.outcome());
    for _ in 0..6 {
        network.anvil.mine(1).await.unwrap();
        silent(&mut told).await;
    }
    assert_eq!(notices.recv().await.unwrap().key, "pay");
    network.anvil.advance_time(86_400).await.unwrap();
    for _ in 0..20 {
        network.anvil.mine(1).await.unwrap();
        if let Ok(done) = tokio::time::timeout(Duration::from_millis(200), &mut told).await {
            done.unwrap();
            break;
        }
    }
    assert_eq!(paid(&account).await, Lpt::whole(6));
}
