//! A deployment that ends early goes on, and sends nothing twice.

use crate::network;

use std::path::Path;
use std::sync::atomic::Ordering;
use std::time::Duration;

use assay_chain::anvil::{Anvil, dev_key};
use assay_chain::client::Client;
use assay_chain::contracts::{Contracts, Deployment, Randomness};
use assay_chain::deploy::{DeployConfig, TokenChoice, deploy_by_plan};
use assay_protocol::amount::Lpt;
use assay_protocol::params::Params;
use assay_protocol::sig::OperatorKey;
use network::config;

use crate::proxy::{Fault, Proxy, Side};

/// Of a deployment with a token of its own: the contracts, and the unit that opens the court's balance.
const TRANSACTIONS: u64 = Contracts::COUNT as u64 + 1;

fn what(key: &OperatorKey) -> DeployConfig {
    DeployConfig {
        params: Params::demo(),
        randomness: Randomness::Blockhash,
        token: TokenChoice::New {
            supply: Lpt::whole(1_000),
        },
        resolver: key.address(),
    }
}

/// All of it is there, by these transactions and no others.
async fn check(anvil: &Anvil, deployment: &Deployment, key: &OperatorKey, plan: &Path) {
    let client = Client::connect(&anvil.url(), deployment, key.clone()).await;
    let client = client.unwrap();
    client.check_params(&Params::demo()).await.unwrap();
    assert_eq!(client.transaction_count().await.unwrap(), TRANSACTIONS);
    let kept = std::fs::read_to_string(plan).unwrap();
    let secret = hex(key.secret().as_slice());
    assert!(!kept.to_lowercase().contains(&secret), "a key in the plan");
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[tokio::test]
async fn killed_at_any_step_it_goes_on_with_what_it_signed() {
    let mut kills = 0;
    for (at, side) in [
        (1, Side::Before),
        (3, Side::Before),
        (3, Side::After),
        (12, Side::After),
        (19, Side::Before),
        (25, Side::After),
    ] {
        let anvil = Anvil::start(&config()).await.unwrap();
        let proxy = Proxy::start(&anvil.url()).await;
        let (key, folder) = (dev_key(3).unwrap(), tempfile::tempdir().unwrap());
        let plan = folder.path().join("deployment.json.unfinished");
        let sprung = proxy.trap(at, side);
        let config = what(&key);
        tokio::select! {
            done = deploy_by_plan(&proxy.url, &key, &config, &plan) => {
                done.unwrap();
            }
            _ = sprung => kills += 1,
        }
        proxy.disarm();
        let deployment = deploy_by_plan(&anvil.url(), &key, &config, &plan).await;
        let deployment = deployment.unwrap();
        check(&anvil, &deployment, &key, &plan).await;
        // Once more: everything is there, and nothing is sent.
        let again = deploy_by_plan(&anvil.url(), &key, &config, &plan).await;
        assert_eq!(again.unwrap(), deployment);
        check(&anvil, &deployment, &key, &plan).await;
    }
    assert!(kills >= 5, "{kills}");
}

#[tokio::test]
async fn a_node_that_is_away_for_a_moment_is_waited_for() {
    let anvil = Anvil::start(&config()).await.unwrap();
    let proxy = Proxy::start(&anvil.url()).await;
    let (key, folder) = (dev_key(4).unwrap(), tempfile::tempdir().unwrap());
    let plan = folder.path().join("plan");
    let what = what(&key);
    let sends = proxy.sends.clone();
    let fail = async {
        for fault in [Fault::Down, Fault::AfterSend, Fault::BeforeSend] {
            let seen = sends.load(Ordering::SeqCst);
            while sends.load(Ordering::SeqCst) < seen + 2 {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
            proxy.set(fault);
            tokio::time::sleep(Duration::from_millis(700)).await;
            proxy.set(Fault::None);
        }
        std::future::pending::<()>().await;
    };
    let deployment = tokio::select! {
        done = deploy_by_plan(&proxy.url, &key, &what, &plan) => done.unwrap(),
        () = fail => unreachable!(),
    };
    let tried = u64::from(sends.load(Ordering::SeqCst));
    assert!(tried > TRANSACTIONS, "no send has failed");
    check(&anvil, &deployment, &key, &plan).await;
}

#[tokio::test]
async fn what_cannot_be_gone_on_with_is_said_before_anything_is_sent() {
    let anvil = Anvil::start(&config()).await.unwrap();
    let (key, folder) = (dev_key(5).unwrap(), tempfile::tempdir().unwrap());
    let proxy = Proxy::start(&anvil.url()).await;
    let sent = || proxy.sends.load(Ordering::SeqCst);
    let nowhere = folder.path().join("no").join("such").join("plan");
    let error = deploy_by_plan(&proxy.url, &key, &what(&key), &nowhere).await;
    let error = error.unwrap_err().to_string();
    assert!(error.contains("no/such/plan"), "{error}");
    assert_eq!(sent(), 0);
    let plan = folder.path().join("plan");
    deploy_by_plan(&anvil.url(), &key, &what(&key), &plan)
        .await
        .unwrap();
    let mut other = what(&key);
    other.params.round_blocks += 1;
    let error = deploy_by_plan(&proxy.url, &key, &other, &plan).await;
    let error = error.unwrap_err().to_string();
    assert!(error.contains("other parameters"), "{error}");
    assert_eq!(sent(), 0);
}
