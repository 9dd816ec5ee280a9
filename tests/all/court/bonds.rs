//! Leaves that are demanded and faults that are planted, each with a bond.

use assay_chain::exhibit::Exhibit;
use assay_protocol::params::Params;
use assay_protocol::{B256, keccak256};

use crate::typed::{Typed, refused, text};

#[tokio::test(flavor = "multi_thread")]
async fn demanded_leaves_are_opened_or_reported() {
    let court = Typed::set(Params::demo()).await;
    let (scene, params) = (&court.scene, Params::demo());
    let (anyone, asker) = (&scene.broadcaster.key, &scene.verifiers[1].0.key);
    let (work, leaves, _) = scene.work(0).await;
    court
        .brings(
            asker,
            &Exhibit::ChallengeLeaf(Box::new(scene.demand(&work, 3))),
        )
        .await;
    let opening = Exhibit::OpenLeaf(Box::new(scene.opening(&work, &leaves, 3)));
    court.brings(anyone, &opening).await;
    court
        .does(&scene.transcoder.key, &["court", "withdraw"])
        .await;

    court
        .brings(
            asker,
            &Exhibit::ChallengeLeaf(Box::new(scene.demand(&work, 4))),
        )
        .await;
    let receipt = text(scene.receipt_hash(&work));
    let report = ["court", "report-withheld", &receipt, "4"];
    assert!(refused(&court.types(anyone, &report), 1).contains("nothing was sent"));
    court.mine(params.challenge_blocks + 1).await;
    court.does(anyone, &report).await;
    let (case, status) = court.newest(scene.transcoder.key.address());
    assert_eq!(status, "open");
    court.mine(params.case_blocks).await;
    court.does(anyone, &["court", "execute", &case]).await;
    court.does(asker, &["court", "claim-reward", &case]).await;
    court.does(asker, &["court", "withdraw"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn planted_faults_are_revealed_or_burned() {
    let mut court = Typed::set(Params::demo()).await;
    let params = Params::demo();
    let (planter, anyone) = (
        court.scene.transcoder.key.clone(),
        court.scene.broadcaster.key.clone(),
    );
    let operator = planter.address();
    court.fund(operator, 20).await;
    let secret = B256::repeat_byte(0x5e);
    let commitment = text(keccak256(secret));
    let plant = ["court", "plant", &commitment];
    court.does(&planter, &plant).await;
    assert!(refused(&court.types(&planter, &plant), 1).contains("nothing was sent"));
    let planted = court.scene.round;
    let round = court.scene.network.open_round().await;
    court.scene.round = round;
    court.mine(1).await;
    let (work, leaves, _) = court.scene.work(1).await;
    let reveal = court.scene.planted(&work, 4, secret);
    let proof = court.scene.prove(&reveal.work, &leaves, 4, &[0, 1, 2, 3]);
    let proof = court.proof_file(proof).await;
    court.brings(&anyone, &proof).await;
    let (case, _) = court.newest(operator);
    court
        .brings(&planter, &Exhibit::RevealPlant(Box::new(reveal)))
        .await;
    assert_eq!(court.status(&case), "spared");
    court.does(&planter, &["court", "withdraw"]).await;
    let (work, _, _) = court.scene.work(2).await;
    let second = Exhibit::SecondPlant(Box::new(court.scene.planted(&work, 5, secret)));
    court.brings(&anyone, &second).await;
    let (second, _) = court.newest(operator);
    assert_eq!(court.status(&second), "open");

    // What was revealed does not burn; what is never revealed does.
    let who = operator.to_string();
    let burn = |round: u64| {
        [
            "court".to_owned(),
            "burn-plant".to_owned(),
            who.clone(),
            round.to_string(),
        ]
    };
    let other = text(keccak256(B256::repeat_byte(0x5f)));
    court.does(&planter, &["court", "plant", &other]).await;
    for _ in 0..2 {
        court.scene.network.open_round().await;
    }
    court
        .mine(params.response_blocks + params.evidence_blocks + params.case_blocks)
        .await;
    let first = burn(planted);
    let first: Vec<&str> = first.iter().map(String::as_str).collect();
    assert!(refused(&court.types(&anyone, &first), 1).contains("nothing was sent"));
    let second = burn(round);
    let second: Vec<&str> = second.iter().map(String::as_str).collect();
    court.does(&anyone, &second).await;
}
