//! What a quorum proves, who is paid for it, and every other fault that a file shows.

use assay_chain::exhibit::Exhibit;
use assay_protocol::params::Params;

use crate::typed::{Typed, json, refused, said};

#[tokio::test(flavor = "multi_thread")]
async fn a_proof_is_brought_executed_paid_for_and_told_to_delegators() {
    let court = Typed::set(Params::demo()).await;
    let (scene, params) = (&court.scene, Params::demo());
    let (anyone, accused) = (&scene.broadcaster.key, scene.transcoder.key.address());
    assert!(said(&court.looks(&["court", "list"])).contains("no cases"));
    let (work, leaves, _) = scene.work(0).await;
    let (leaf, claim) = scene.finder(&work).await;
    let finder = claim.position as usize;
    let passes = (finder + 1) % 4;
    let signers: Vec<usize> = (0..4).filter(|position| *position != passes).collect();
    let proof = court
        .proof_file(scene.prove(&work, &leaves, leaf, &signers))
        .await;
    court.brings(anyone, &proof).await;
    let (case, status) = court.newest(accused);
    assert_eq!(status, "open");
    let list = said(&court.looks(&["court", "list"]));
    assert!(
        list.contains(&case) && list.contains("WrongEncode"),
        "{list}"
    );
    let early = court.types(anyone, &["court", "execute", &case]);
    assert!(refused(&early, 1).contains("nothing was sent"));

    let pass = Exhibit::FalsePass(Box::new(scene.false_pass(&work, &leaves, leaf, passes)));
    court.brings(anyone, &pass).await;
    let (_, status) = court.newest(scene.verifiers[passes].0.key.address());
    assert_eq!(status, "open");

    court
        .mine_to(params.epoch_end(params.epoch(work.assignment.deadlineBlock)))
        .await;
    court
        .brings(anyone, &Exhibit::ClaimFinder(Box::new(claim)))
        .await;
    court.does(anyone, &["court", "execute", &case]).await;
    assert_eq!(court.status(&case), "executed");
    let position = finder.to_string();
    let claim = ["court", "claim-signer", &case, "--position", &position];
    let paid = court.does(anyone, &claim).await;
    let signer = scene.verifiers[finder].0.key.address().to_string();
    assert!(paid.to_string().contains(&signer), "{paid}");
    assert!(refused(&court.types(anyone, &claim), 1).contains("already"));
    court
        .mine_to(work.assignment.deadlineBlock + params.evidence_blocks + 1)
        .await;
    let settle = Exhibit::SettleFinder(Box::new(work.assignment.clone()));
    court.brings(anyone, &settle).await;

    // A delegator is told before it says yes, a program too.
    let (delegator, to) = (&scene.delegator.key, accused.to_string());
    court.fund(delegator.address(), 20).await;
    let delegate = ["stake", "delegate", "10 LPT", "--to", &to];
    let told = said(&court.types(delegator, &[&delegate[..], &["--dry-run"]].concat()));
    assert!(told.contains("slashes: 1\n  block "), "{told}");
    assert!(
        told.contains("10 % of everything, 30 LPT of its own and 10 LPT of others"),
        "{told}"
    );
    assert!(told.contains("20 % (2 LPT) for a wrong encode *"), "{told}");
    let unanswered = court.types(delegator, &[&delegate[..], &["--json"]].concat());
    let told = refused(&unanswered, 2);
    assert!(
        told.contains("slashes: 1") && told.contains("needs a yes"),
        "{told}"
    );
    let dry = json(&court.types(
        delegator,
        &[&delegate[..], &["--dry-run", "--json"]].concat(),
    ));
    let offer = &dry["offer"];
    assert_eq!(offer["operator"], to);
    assert_eq!(
        (&offer["own_bond"], &offer["delegated"]),
        (&"270".into(), &"90".into())
    );
    assert_eq!(offer["price_per_pixel_wei"], 7);
    assert_eq!(offer["cuts"]["fee_share_bps"], 5_000);
    let slashes = offer["slashes"].as_array().unwrap();
    assert_eq!(slashes.len(), 1);
    assert!(slashes[0]["block"].as_u64().unwrap() > 0, "{offer}");
    assert_eq!(slashes[0]["what"]["bps"], 1_000);
    let losses = offer["may_lose"].as_array().unwrap();
    let loss = |fault: &str| {
        let of = losses.iter().find(|loss| loss["fault"] == fault).unwrap();
        (of["bps"].as_u64().unwrap(), of["amount"].as_str().unwrap())
    };
    // Its last fault was counted: the next of these costs twice as much.
    for fault in ["wrong-encode", "leaf-fault", "withheld-leaf"] {
        assert_eq!(loss(fault), (2_000, "2"), "{offer}");
    }
    assert_eq!(loss("equivocation"), (5_000, "5"));
    assert_eq!(losses.len(), 4, "{offer}");
    let done = court.does(delegator, &delegate).await;
    assert_eq!(done["offer"]["slashes"], offer["slashes"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_contradicts_itself_is_brought_by_file() {
    let court = Typed::set(Params::demo()).await;
    let scene = &court.scene;
    let (anyone, accused) = (&scene.broadcaster.key, scene.transcoder.key.address());
    let verifier = |position: usize| scene.verifiers[position].0.key.address();
    let kind_of = |operator: assay_protocol::Address| {
        let who = operator.to_string();
        let list = json(&court.looks(&["court", "list", "--operator", &who, "--json"]));
        list.as_array().unwrap().last().unwrap()["kind"].clone()
    };
    let (work, leaves, frames) = scene.work(0).await;
    let acquittal = scene.acquittal(&work, &leaves, 2, &[0, 1, 2], 3);
    court
        .brings(anyone, &Exhibit::Acquit(Box::new(acquittal)))
        .await;
    assert_eq!(kind_of(verifier(3)), "false-accusation");
    let two = scene.two_verdicts(&work, 2);
    court
        .brings(anyone, &Exhibit::VerifierEquivocation(Box::new(two)))
        .await;
    assert_eq!(kind_of(verifier(2)), "verifier-equivocation");
    let head = scene.broadcaster.client.head().await.unwrap().number;
    let early = scene.early_ticket(1, head);
    scene.reach_epoch(early.epoch).await;
    court
        .brings(anyone, &Exhibit::ShowEarlyTicket(Box::new(early)))
        .await;
    assert_eq!(kind_of(verifier(1)), "early-ticket");
    let two = scene.two_receipts(&work);
    court
        .brings(anyone, &Exhibit::Equivocation(Box::new(two)))
        .await;
    assert_eq!(kind_of(accused), "equivocation");
    let (work, leaves, _) = scene.work(1).await;
    let wrong = scene.other_frames(&work, &leaves, &frames);
    court
        .brings(anyone, &Exhibit::LeafFault(Box::new(wrong)))
        .await;
    assert_eq!(kind_of(accused), "leaf-fault");
    let two = scene.two_assignments(&work);
    let finder = &scene.verifiers[0].0.key;
    let fault = Exhibit::BroadcasterEquivocation(Box::new(two));
    court.brings(finder, &fault).await;
    // No file of another kind passes for one.
    let file = court
        .folder()
        .join("leaf-fault.evidence")
        .display()
        .to_string();
    let other = court.types(anyone, &["court", "equivocation", &file]);
    assert!(refused(&other, 2).contains("no evidence of the kind equivocation"));
}

#[tokio::test(flavor = "multi_thread")]
async fn who_has_lost_everything_is_told_when() {
    let params = Params {
        equivocation_bps: 10_000,
        ..Params::demo()
    };
    let court = Typed::set(params.clone()).await;
    let scene = &court.scene;
    let (anyone, accused) = (&scene.broadcaster.key, scene.transcoder.key.address());
    let (work, ..) = scene.work(0).await;
    let two = Exhibit::Equivocation(Box::new(scene.two_receipts(&work)));
    court.brings(anyone, &two).await;
    let (case, _) = court.newest(accused);
    court.mine(params.case_blocks + 1).await;
    let executed = court.does(anyone, &["court", "execute", &case]).await;
    let executed = executed["steps"].as_array().unwrap().last().unwrap();
    for holder in [accused, scene.delegator.key.address()] {
        let status = ["stake", "status", &holder.to_string()];
        let told = said(&court.looks(&status));
        let told = told.split_once(": 0 LPT\n  slashed to nothing in block ");
        let (block, _) = told.unwrap().1.split_once('\n').unwrap();
        let of = json(&court.looks(&[&status[..], &["--json"]].concat()));
        let position = &of["positions"][0];
        assert_eq!(position["stake"], "0");
        assert_eq!(position["wiped_in"].to_string(), block);
        assert_eq!(executed["block"].to_string(), block, "{executed}");
    }
}
