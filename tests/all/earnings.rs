//! Fees and mint by command: tickets redeemed, fees claimed, rounds paid, the burned part burned.

use assay_chain::call::WorkCall;
use assay_chain::contracts::Deployment;
use assay_node::winners::{BATCH, Winners};
use assay_protocol::amount::Eth;
use assay_protocol::bls::BlsSignature;
use assay_protocol::params::Params;
use assay_protocol::wire::encode;
use assay_protocol::work::{WorkClaim, WorkList};
use assay_protocol::{B256, U256};

use crate::typed::{Typed, json, refused, said};

#[tokio::test(flavor = "multi_thread")]
async fn tickets_are_redeemed_fees_claimed_and_their_burned_part_burned() {
    let desk = Typed::set(Params::demo()).await;
    let scene = &desk.scene;
    let (payer, worker, anyone) = (
        &scene.broadcaster.key,
        &scene.transcoder.key,
        &scene.verifiers[0].0.key,
    );
    let deposit = ["broadcaster", "deposit", "1 ETH", "--reserve", "1 ETH"];
    desk.does(payer, &deposit).await;
    let data = desk.folder().join("node");
    std::fs::create_dir(&data).unwrap();
    let folder = data.display().to_string();
    let redeem = ["transcoder", "redeem", "--data", &folder];
    assert!(refused(&desk.types(anyone, &redeem), 2).contains("no node has won tickets"));
    let thousandth = Eth(U256::from(10).pow(U256::from(15)));
    let mut winners = Vec::new();
    // With one that is refused, two more than one transaction takes.
    let count = BATCH + 3;
    for seq in 0..count as u32 {
        winners.push(scene.winner(seq, thousandth).await);
    }
    // The chain refuses the second one, for itself and in a batch.
    winners[1].ticket.signature = winners[0].ticket.signature;
    let bad = scene.domain().digest(&winners[1].ticket.ticket).to_string();
    let due = winners[count - 1].assignment.deadlineBlock
        + scene.network.deployment.params.evidence_blocks;
    let mut kept = Winners::open(&data.join("winners.redb"), scene.domain()).unwrap();
    kept.keep(winners);
    kept.unwritten().unwrap().commit().unwrap();
    drop(kept);
    let early = refused(&desk.types(anyone, &redeem), 2);
    let none = format!("none of {count} winning tickets");
    assert!(early.contains(&none), "{early}");
    desk.mine_to(due + 1).await;
    // Two batches of the others, sent by anybody; the pay is the operator's.
    let done = desk.does(anyone, &redeem).await;
    assert_eq!(done["steps"].as_array().unwrap().len(), 2);
    let paid = done.to_string().matches("ticket-redeemed").count();
    assert_eq!(paid, count - 1, "{done}");
    let left_out = done["left_out"].as_array().unwrap();
    assert_eq!(left_out.len(), 1, "{done}");
    assert_eq!(left_out[0]["ticket"], bad.as_str());
    let why = left_out[0]["why"].as_str().unwrap();
    assert!(why.contains("signer"), "{done}");
    let again = desk.types(anyone, &redeem);
    assert!(String::from_utf8_lossy(&again.stdout).contains(&bad));
    let again = refused(&again, 2);
    assert!(again.contains("each of 1 winning tickets"), "{again}");

    let who = payer.address().to_string();
    let burn = ["broadcaster", "burn", "--for", &who];
    desk.does(anyone, &burn).await;
    let again = refused(&desk.types(anyone, &burn), 2);
    assert!(again.contains("nothing of"), "{again}");
    let broker = scene.network.deployment.contracts.ticket_broker;
    let left = scene.broadcaster.client.eth_balance(broker).await.unwrap();
    let state = scene
        .broadcaster
        .client
        .sender(payer.address())
        .await
        .unwrap();
    assert_eq!(left, state.deposit.0 + state.reserve.0);

    // Released over a round; then the delegator's part and the operator's own.
    desk.mine(scene.network.deployment.params.round_blocks)
        .await;
    for holder in [&scene.delegator.key, worker] {
        let who = holder.address().to_string();
        let status = json(&desk.looks(&["stake", "status", &who, "--json"]));
        let fees = status["positions"][0]["fees"].as_str().unwrap();
        let fees: Eth = fees.parse().unwrap();
        assert!(!fees.0.is_zero(), "{status}");
        let claimed = desk.does(holder, &["stake", "claim"]).await;
        assert!(claimed.to_string().contains("fees"), "{claimed}");
        let words = said(&desk.looks(&["stake", "status", &who]));
        assert!(!words.contains("fees to claim"), "{words}");
        let nothing = refused(&desk.types(holder, &["stake", "claim"]), 2);
        assert!(nothing.contains("nothing to claim"), "{nothing}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certified_round_is_claimed_and_who_was_absent_returns() {
    let desk = Typed::set(Params::demo()).await;
    let (scene, domain) = (&desk.scene, desk.scene.domain());
    let (round, worker) = (scene.round, scene.transcoder.key.address());
    let who = worker.to_string();
    let number = round.to_string();
    let data = desk.folder().join("node");
    let folder = data.display().to_string();
    let claim = [
        "round",
        "claim",
        &number,
        "--operator",
        &who,
        "--data",
        &folder,
    ];
    let anyone = &scene.broadcaster.key;
    assert!(refused(&desk.types(anyone, &claim), 2).contains("not certified"));

    // The last of four verifiers was absent.
    let list = WorkList {
        round,
        claims: vec![WorkClaim {
            transcoder: worker,
            round,
            receiptsRoot: B256::repeat_byte(1),
            pixels: 1_000_000,
        }],
        total_pixels: 1_000_000,
    };
    let work = list.work(&domain, 0b0111);
    let keys = scene.verifiers[..3].iter().map(|(_, key)| key);
    let signatures: Vec<_> = keys
        .map(|key| key.sign(domain.digest(&work)).unwrap())
        .collect();
    let root = work.claimsRoot;
    let certify = WorkCall::Certify {
        work,
        bitmap: U256::from(0b0111),
        aggregate: BlsSignature::aggregate(&signatures).unwrap(),
    };
    scene.network.open_round().await;
    let mut tries = 0;
    while let Err(error) = scene
        .broadcaster
        .queue
        .run(format!("certify {tries}"), certify.clone())
        .await
    {
        assert!(tries < 60, "{error}");
        tries += 1;
        desk.mine(1).await;
    }

    let without = ["round", "claim", &number, "--operator", &who];
    assert!(refused(&desk.types(anyone, &without), 2).contains("--data"));
    std::fs::create_dir_all(data.join("work")).unwrap();
    let file = data.join("work").join(format!("{round:08}-{root:x}.list"));
    std::fs::write(file, encode(&list).unwrap()).unwrap();
    let paid = desk.does(anyone, &claim).await;
    assert!(paid.to_string().contains("work-paid"), "{paid}");
    assert!(refused(&desk.types(anyone, &claim), 2).contains("owes"));
    let verifier = scene.verifiers[0].0.key.address().to_string();
    let duty = ["round", "claim", &number, "--operator", &verifier];
    let paid = desk.does(anyone, &duty).await;
    assert!(paid.to_string().contains("duty-paid"), "{paid}");

    let absent = &scene.verifiers[3].0.key;
    desk.does(absent, &["operator", "release", "--role", "verifier"])
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deployment_on_a_token_that_existed_has_its_pool_filled() {
    let desk = Typed::set(Params::demo()).await;
    let scene = &desk.scene;
    let (rich, token) = (
        &scene.network.deployer.key,
        scene.network.deployment.contracts.livepeer_token,
    );
    let fund = ["round", "fund", "12.5", "LPT"];
    let own = refused(&desk.types(rich, &fund), 2);
    assert!(own.contains("no pool to fill"), "{own}");
    let file = desk.folder().join("other.json").display().to_string();
    let token = token.to_string();
    let deploy = [
        "deploy", "--preset", "demo", "--token", &token, "--out", &file,
    ];
    let made = said(&desk.deploys(rich, &deploy));
    assert!(made.contains("FraudCourt"), "{made}");
    let other = Deployment::load(std::path::Path::new(&file)).unwrap();
    assert_eq!(other.contracts.livepeer_token.to_string(), token);
    let asked = desk.types_about(rich, &file, &fund);
    assert!(refused(&asked, 2).contains("needs a yes"));
    let done = desk.does_about(rich, &file, &fund).await;
    // Allowed, then given.
    assert_eq!(done["steps"].as_array().unwrap().len(), 2);
    let asked = desk.types_about(rich, &file, &fund);
    assert!(refused(&asked, 2).contains("needs a yes"));
}
