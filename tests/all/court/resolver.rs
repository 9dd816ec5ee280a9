//! Contests: by the accused, by the breaker; what the resolver says, and what follows from its silence.

use assay_chain::exhibit::Exhibit;
use assay_protocol::params::Params;

use crate::typed::{Typed, refused};

#[tokio::test(flavor = "multi_thread")]
async fn the_accused_contests_and_the_resolver_decides_or_is_silent() {
    let court = Typed::set(Params::demo()).await;
    let scene = &court.scene;
    let (anyone, accused) = (&scene.broadcaster.key, &scene.transcoder.key);
    court.fund(accused.address(), 50).await;
    let proof = court
        .proof_file(scene.proof(0, 5, &[0, 1, 2, 3]).await)
        .await;
    court.brings(anyone, &proof).await;
    let (case, _) = court.newest(accused.address());
    let contest = ["court", "contest", &case];
    assert!(refused(&court.types(anyone, &contest), 2).contains("LPT are needed"));
    // The bond is allowed first.
    let done = court.does(accused, &contest).await;
    assert_eq!(done["steps"].as_array().unwrap().len(), 2);
    assert_eq!(court.status(&case), "contested");
    let resolve = ["court", "resolve", &case];
    let acquit = [&resolve[..], &["--acquit"]].concat();
    let meddler = court.types(anyone, &acquit);
    assert!(refused(&meddler, 1).contains("nothing was sent"));
    let resolver = court.resolver();
    // Neither ruling is what it is without a word.
    for words in [&resolve[..], &[&acquit[..], &["--guilty"]].concat()] {
        refused(&court.types(&resolver, words), 2);
        assert_eq!(court.status(&case), "contested");
    }
    court.does(&resolver, &acquit).await;
    assert_eq!(court.status(&case), "acquitted");
    court.does(accused, &["court", "withdraw"]).await;
    let again = court.types(accused, &["court", "withdraw"]);
    assert!(refused(&again, 2).contains("nothing is owed"));

    court.mine(2).await;
    let proof = court
        .proof_file(scene.proof(1, 5, &[0, 1, 2, 3]).await)
        .await;
    court.brings(anyone, &proof).await;
    let (case, _) = court.newest(accused.address());
    court.does(accused, &["court", "contest", &case]).await;
    let lapse = ["court", "lapse", &case];
    assert!(refused(&court.types(anyone, &lapse), 1).contains("nothing was sent"));
    scene.resolver_is_silent().await;
    court.does(anyone, &lapse).await;
    assert_eq!(court.status(&case), "executed");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_encoder_is_stopped_by_cases() {
    let court = Typed::set(Params {
        breaker_operators: 0,
        breaker_stake_bps: 1_000,
        ..Params::demo()
    })
    .await;
    let scene = &court.scene;
    let (anyone, accused) = (&scene.broadcaster.key, scene.transcoder.key.address());
    let (work, leaves, _) = scene.work(0).await;
    let proof = court
        .proof_file(scene.prove(&work, &leaves, 5, &[0, 1, 2, 3]))
        .await;
    court.brings(anyone, &proof).await;
    let (first, _) = court.newest(accused);
    let trip = Exhibit::Trip(Box::new(vec![work.assignment]));
    court.brings(anyone, &trip).await;
    assert_eq!(court.status(&first), "contested");
    court.mine(2).await;
    let (work, leaves, _) = scene.work(1).await;
    let proof = court
        .proof_file(scene.prove(&work, &leaves, 2, &[0, 1, 2, 3]))
        .await;
    court.brings(anyone, &proof).await;
    let (second, _) = court.newest(accused);
    let stopped = Exhibit::ContestStopped(Box::new(vec![work.assignment]));
    court.brings(anyone, &stopped).await;
    assert_eq!(court.status(&second), "contested");
    scene.resolver_is_silent().await;
    for case in [&first, &second] {
        court.does(anyone, &["court", "lapse", case]).await;
        assert_eq!(court.status(case), "annulled");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_encoder_is_stopped_by_divergences_and_false_ones_cost() {
    let court = Typed::set(Params::demo()).await;
    let scene = &court.scene;
    let (anyone, accused) = (&scene.broadcaster.key, scene.transcoder.key.address());
    let (work, leaves, _) = scene.work(0).await;
    let proof = court
        .proof_file(scene.prove(&work, &leaves, 5, &[0, 1, 2]))
        .await;
    court.brings(anyone, &proof).await;
    let (case, _) = court.newest(accused);
    let diverged = Exhibit::TripByDivergence(Box::new(scene.diverged(&work, 5, &[2, 3])));
    court.brings(anyone, &diverged).await;
    assert_eq!(court.status(&case), "contested");
    let resolver = court.resolver();
    court
        .does(&resolver, &["court", "resolve", &case, "--guilty"])
        .await;
    assert_eq!(court.status(&case), "executed");
    let refuted = Exhibit::FalseDivergence(Box::new(scene.false_divergence(&work, 5, 3)));
    court.brings(anyone, &refuted).await;
    let (case, _) = court.newest(scene.verifiers[3].0.key.address());
    court
        .mine(scene.network.deployment.params.case_blocks)
        .await;
    court.does(anyone, &["court", "execute", &case]).await;
    let reward = ["court", "claim-reward", &case];
    court.does(anyone, &reward).await;
    assert!(refused(&court.types(anyone, &reward), 1).contains("nothing was sent"));
}
