//! Whose journal it is.

use std::time::Duration;

use assay_chain::error::ChainError;
use assay_chain::queue::{Journal, SharedJournal, StoreError, TxQueue};
use assay_protocol::amount::Lpt;

use super::network::{Account, Network, fast};
use super::{outcome, paid, pay};

#[tokio::test]
async fn one_journal_serves_one_queue_of_one_account_on_one_chain() {
    let network = Network::start().await;
    let account = network.account(68, 1).await;
    let folder = tempfile::tempdir().unwrap();
    let journal = || Journal::File(folder.path().join("transactions"));
    let queue = TxQueue::open(&account.client, journal(), fast())
        .await
        .unwrap();
    outcome(queue.submit("pay", pay(1)).await.unwrap())
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
async fn several_accounts_share_a_journal_and_keep_their_nonces_apart() {
    let network = Network::start().await;
    let (first, second) = (network.account(73, 50).await, network.account(74, 50).await);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("transactions");
    let mut before = Vec::new();
    for account in [&first, &second] {
        before.push(account.client.transaction_count().await.unwrap());
    }
    let shared = SharedJournal::open(&first.client, path.clone())
        .await
        .unwrap();
    let open = async |account: &Account, shared: &SharedJournal| {
        let journal = Journal::Shared(shared.clone());
        TxQueue::open(&account.client, journal, fast()).await
    };
    let one = open(&first, &shared).await.unwrap();
    let two = open(&second, &shared).await.unwrap();
    let twice = open(&first, &shared).await.unwrap_err();
    assert!(twice.to_string().contains("open already"), "{twice}");
    // One key names one call of each account.
    let mut tickets = Vec::new();
    for i in 0..3 {
        for queue in [&one, &two] {
            tickets.push(queue.submit(format!("pay {i}"), pay(i + 1)).await.unwrap());
        }
    }
    for ticket in tickets {
        outcome(ticket).await.unwrap();
    }
    assert_eq!(paid(&first).await, Lpt::whole(12));
    for (account, before) in [&first, &second].into_iter().zip(before) {
        assert_eq!(
            account.client.transaction_count().await.unwrap(),
            before + 3
        );
    }
    let mut known = vec![first.key.address(), second.key.address()];
    known.sort();
    assert_eq!(shared.accounts().unwrap(), known);
    // After a restart both remember; whoever opens the file for one account alone is told of the other.
    one.shutdown().await;
    two.shutdown().await;
    drop(shared);
    let alone = TxQueue::open(&first.client, Journal::File(path.clone()), fast()).await;
    let alone = alone.unwrap_err();
    assert!(
        matches!(alone, ChainError::Journal(StoreError::Foreign { .. })),
        "{alone}"
    );
    let shared = SharedJournal::open(&second.client, path).await.unwrap();
    for account in [&first, &second] {
        let queue = open(account, &shared).await.unwrap();
        outcome(queue.submit("pay 2", pay(3)).await.unwrap())
            .await
            .unwrap();
    }
    assert_eq!(paid(&first).await, Lpt::whole(12));
}
