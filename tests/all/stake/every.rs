//! Every command about stake: shown first by --dry-run, then done, both as JSON.

use assay_protocol::params::Params;
use serde_json::Value;

use super::desk::{Desk, said};
use crate::typed::json;

#[tokio::test(flavor = "multi_thread")]
async fn every_command_shows_what_it_will_do_and_says_it_in_json() {
    let desk = Desk::open().await;
    let owner = desk.account("owner", 200).await;
    let other = desk.account("other", 200).await;
    let delegator = desk.account("delegator", 100).await;
    let (at, to) = (owner.address.to_string(), other.address.to_string());
    let transcoder = ["--role", "transcoder"];
    let with_role = |words: &[&'static str]| [words, &transcoder].concat();
    for operator in [&owner, &other] {
        let done = desk
            .does(operator, &with_role(&["stake", "bond", "50 LPT"]))
            .await;
        assert_eq!(
            done["steps"].as_array().unwrap().len(),
            2,
            "allowed, then bonded"
        );
    }
    desk.does(&owner, &["transcoder", "set-price", "80 wei"])
        .await;
    let cuts = [
        "transcoder",
        "set-cuts",
        "--reward-cut",
        "10%",
        "--fee-share",
        "25%",
    ];
    desk.does(&owner, &cuts).await;
    desk.mine(8).await;
    desk.does(&owner, &["round", "open"]).await;
    let done = desk
        .does(&delegator, &["stake", "delegate", "60 LPT", "--to", &at])
        .await;
    assert_eq!(done["offer"]["slashes"], Value::Array(vec![]));
    let leave = ["stake", "move", "20 LPT", "--from", &at, "--to", &to];
    desk.does(&delegator, &leave).await;
    let unbond = [
        "stake",
        "unbond",
        "10 LPT",
        "--from",
        &at,
        "--role",
        "transcoder",
    ];
    desk.does(&delegator, &unbond).await;
    desk.does(&delegator, &unbond).await;
    desk.does(&delegator, &["stake", "rebond", "3"]).await;
    let status = json(&desk.looks(&["stake", "status", &delegator.address.to_string(), "--json"]));
    assert_eq!(status["locks"].as_array().unwrap().len(), 2, "{status}");
    assert_eq!(status["positions"][0]["stake"], "30");

    let node = desk.path("node-keys");
    said(&desk.assay(&["init", &node]));
    desk.does(&owner, &["operator", "authorise", "--signer-key", &node])
        .await;
    desk.does(&other, &with_role(&["stake", "bond", "10 LPT"]))
        .await;
    desk.does(&other, &["stake", "bond", "20 LPT", "--role", "verifier"])
        .await;
    desk.does(&other, &["verifier", "register", "--keys", &node])
        .await;
    desk.rounds(1).await;
    let show = json(&desk.looks(&["operator", "show", &at, "--json"]));
    assert_ne!(show["signer"], at);
    desk.does(&owner, &["operator", "revoke"]).await;

    let deposit = ["broadcaster", "deposit", "0.5 ETH", "--reserve", "0.25 ETH"];
    desk.does(&owner, &deposit).await;
    desk.does(&owner, &["broadcaster", "withdraw"]).await;
    desk.does(&owner, &["broadcaster", "withdraw", "--cancel"])
        .await;
    desk.does(&owner, &["broadcaster", "withdraw"]).await;
    let state = json(&desk.looks(&["broadcaster", "status", &at, "--json"]));
    assert_eq!(
        (&state["deposit"], &state["reserve"]),
        (&"0.5".into(), &"0.25".into())
    );
    let unlock = Params::demo().unlock_rounds;
    desk.rounds(unlock).await;
    desk.does(&owner, &["broadcaster", "withdraw"]).await;
    let arrived = desk.does(&delegator, &["stake", "claim"]).await;
    assert!(arrived.to_string().contains("arrived"), "{arrived}");
    desk.does(&delegator, &["stake", "withdraw"]).await;
    let round = json(&desk.looks(&["round", "--json"]));
    assert_eq!(round["round"], 2 + unlock);
}
