//! The transaction queue against a real chain: killed at every step, starved of fees, reorganised, lied to.

mod accounts;
mod endpoints;
mod fees;
mod gas_limit;
mod kills;
use crate::network;
mod outcomes;
mod reorgs;
mod victim;

use std::path::Path;
use std::time::Duration;

use assay_chain::call::TokenCall;
use assay_chain::client::Client;
use assay_chain::contracts::Deployment;
use assay_chain::queue::{Journal, Mined, Ticket, TxError, TxQueue};
use assay_protocol::Address;
use assay_protocol::amount::Lpt;
use assay_protocol::sig::OperatorKey;
use network::{Account, fast};

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
async fn silent(ticket: &mut std::pin::Pin<Box<impl Future<Output = Result<Mined, TxError>>>>) {
    let early = tokio::time::timeout(Duration::from_millis(400), ticket).await;
    assert!(early.is_err(), "{early:?}");
}

async fn outcome(ticket: Ticket) -> Result<Mined, TxError> {
    tokio::time::timeout(Duration::from_secs(20), ticket.outcome())
        .await
        .expect("an outcome within 20 s")
}

async fn paid(account: &Account) -> Lpt {
    account.client.lpt_balance(PAYEE).await.unwrap()
}
