//! The process that is killed: this test program again, with a task in its environment.

use std::path::PathBuf;
use std::process::Stdio;

use assay_chain::call::{Call, EtherCall, TokenCall};
use assay_chain::contracts::Deployment;
use assay_chain::queue::budget::GasLimit;
use assay_chain::queue::{Journal, QueueConfig, SharedJournal, TxQueue};
use assay_protocol::amount::Lpt;
use assay_protocol::sig::OperatorKey;
use assay_protocol::{Address, U256};
use serde::{Deserialize, Serialize};
use tokio::process::{Child, Command};

use super::client;
use super::network::fast;

/// What the child is told by its environment.
const TASK: &str = "ASSAY_TEST_QUEUE_CHILD";

/// The work of the process that is killed: the queues of two accounts on one journal, each with `calls` calls.
#[derive(Clone, Serialize, Deserialize)]
pub struct Task {
    pub url: String,
    pub deployment: Deployment,
    pub journal: PathBuf,
    /// One number for each account's key.
    pub accounts: Vec<u8>,
    pub payee: Address,
    pub calls: u64,
}

impl Task {
    fn key(number: u8) -> OperatorKey {
        OperatorKey::from_bytes([number; 32]).unwrap()
    }

    /// LPT and wei of one call.
    pub fn amounts(i: u64) -> (u64, u64) {
        (i + 1, 1_000 + i)
    }

    fn call(&self, i: u64) -> Call {
        let (lpt, wei) = Self::amounts(i);
        let to = self.payee;
        if i.is_multiple_of(2) {
            let amount = Lpt::whole(lpt);
            TokenCall::Transfer { to, amount }.into()
        } else {
            let wei = U256::from(wei);
            EtherCall::Send { to, wei }.into()
        }
    }

    /// Submits everything; returns when every outcome is known.
    async fn work(&self) {
        let mut shared = None;
        let mut tickets = Vec::new();
        let mut queues = Vec::new();
        for number in &self.accounts {
            let client = client(self.url.as_str(), &self.deployment, &Self::key(*number)).await;
            let journal = match &shared {
                Some(shared) => SharedJournal::clone(shared),
                None => SharedJournal::open(&client, self.journal.clone())
                    .await
                    .unwrap(),
            };
            shared = Some(journal.clone());
            let queue = TxQueue::open(&client, Journal::Shared(journal), config())
                .await
                .unwrap();
            for i in 0..self.calls {
                tickets.push(
                    queue
                        .submit(format!("call {i}"), self.call(i))
                        .await
                        .unwrap(),
                );
            }
            queues.push(queue);
        }
        for ticket in tickets {
            ticket.outcome().await.unwrap();
        }
        for queue in queues {
            queue.shutdown().await;
        }
    }

    pub fn spawn(&self) -> Child {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args([
            "--exact",
            "queue::victim::child",
            "--ignored",
            "--nocapture",
        ]);
        command.env(TASK, serde_json::to_string(self).unwrap());
        command.stdout(Stdio::null()).kill_on_drop(true);
        command.spawn().unwrap()
    }
}

pub fn config() -> QueueConfig {
    let limit = GasLimit {
        wei_per_day: U256::from(10).pow(U256::from(20)),
        for_evidence: 50,
    };
    QueueConfig {
        daily_gas: Some(limit),
        ..fast()
    }
}

/// Not a test of its own: the process that the tests below start and kill.
#[tokio::test]
#[ignore = "the child of the other tests"]
async fn child() {
    if let Ok(task) = std::env::var(TASK) {
        let task: Task = serde_json::from_str(&task).unwrap();
        task.work().await;
    }
}
