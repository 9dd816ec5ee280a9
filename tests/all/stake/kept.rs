//! Stake that a case keeps: nothing else waits for it.

use assay_chain::exhibit::Exhibit;
use assay_protocol::params::Params;

use crate::typed::{Typed, json, refused, said};

#[tokio::test(flavor = "multi_thread")]
async fn what_a_case_keeps_is_left_out_and_the_rest_is_paid() {
    let desk = Typed::set(Params::demo()).await;
    let scene = &desk.scene;
    let (key, anyone) = (&scene.delegator.key, &scene.broadcaster.key);
    let pool = |position: usize| scene.verifiers[position].0.key.address().to_string();
    let (free, other, frozen) = (pool(0), pool(1), pool(2));
    let types = async |words: &[&str]| {
        let words = [&["stake"], words, &["--role", "verifier"]].concat();
        desk.does(key, &words).await
    };
    desk.fund(key.address(), 50).await;
    types(&["delegate", "30 LPT", "--to", &free]).await;
    types(&["delegate", "10 LPT", "--to", &frozen]).await;
    types(&["unbond", "10 LPT", "--from", &frozen]).await;
    types(&["unbond", "4 LPT", "--from", &free]).await;
    types(&["move", "5 LPT", "--from", &free, "--to", &frozen]).await;
    types(&["move", "6 LPT", "--from", &free, "--to", &other]).await;
    for _ in 0..9 {
        scene.network.open_round().await;
    }
    let (work, ..) = scene.work(0).await;
    let two = Exhibit::VerifierEquivocation(Box::new(scene.two_verdicts(&work, 2)));
    desk.brings(anyone, &two).await;

    let who = key.address().to_string();
    let status = || said(&desk.looks(&["stake", "status", &who]));
    let now = status();
    assert!(
        now.contains("lock 1: 10 LPT leaves") && now.contains("frozen while 1 cases are open"),
        "{now}"
    );
    assert!(now.contains("is ripe: assay stake withdraw 2"), "{now}");
    assert!(!now.contains("assay stake withdraw 1"), "{now}");
    let locks = json(&desk.looks(&["stake", "status", &who, "--json"]))["locks"].clone();
    assert_eq!(
        (&locks[0]["ripe"], &locks[0]["open_cases"]),
        (&false.into(), &1.into())
    );
    assert_eq!(
        (&locks[1]["ripe"], &locks[1]["open_cases"]),
        (&true.into(), &0.into())
    );

    let told = said(&desk.types(key, &["stake", "withdraw"]));
    assert!(told.contains("left out: lock 1 is frozen"), "{told}");
    assert!(told.contains("lock 2 is paid out: 4 LPT"), "{told}");
    let told = said(&desk.types(key, &["stake", "claim"]));
    assert!(
        told.contains("left out: let lock 3 arrive: pool frozen")
            && told.contains("assay stake withdraw 3 takes it out instead"),
        "{told}"
    );
    let now = status();
    assert!(
        now.contains(&format!("with verifier {other}: 6 LPT")),
        "{now}"
    );
    assert!(
        now.contains("lock 1: 10 LPT") && now.contains("lock 3: 5 LPT"),
        "{now}"
    );
    for action in ["withdraw", "claim"] {
        refused(&desk.types(key, &["stake", action]), 2);
    }
}
