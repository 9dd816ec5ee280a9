//! A round that nobody could certify, on a real chain: the roll is called, answered and closed, and one of the silent leaves.

use crate::network;

use assay_chain::call::WorkCall;
use assay_chain::events::{Log, RosterLog, WorkLog};
use assay_chain::views::Role;
use network::Account;
use network::scene::Scene;

#[tokio::test]
async fn who_does_not_answer_the_roll_leaves() {
    let scene = Scene::set().await;
    let (client, params) = (&scene.broadcaster.client, &scene.network.deployment.params);
    let failed = scene.round;
    let round = scene.network.open_round().await;
    let settle = params.response_blocks + 2 * params.epoch_blocks;
    let until = client.head().await.unwrap().number + settle + params.certify_blocks;
    let mut seats: Vec<_> = client.verifiers(round).await.unwrap().seats;
    let place = |who| {
        let at = scene.verifiers.iter();
        at.map(|(account, _)| account.key.address())
            .position(|address| address == who)
            .unwrap()
    };
    // The heaviest two have more than half of the weight, and not two thirds.
    seats.sort_by_key(|seat| std::cmp::Reverse(seat.weight));
    let there: Vec<usize> = seats[..2].iter().map(|seat| place(seat.operator)).collect();
    let account = |at: usize| -> &Account { &scene.verifiers[there[at]].0 };
    let call = WorkCall::CallRoll {
        failed,
        position: there[0] as u64,
    };
    let early = account(0).queue.run("early", call.clone()).await;
    let early = early.unwrap_err().to_string();
    assert!(early.contains("may still get it until block"), "{early}");
    scene.mine_to(until).await;
    let mined = account(0).queue.run("call", call).await.unwrap();
    let told = client.events_of(mined.tx).await.unwrap();
    let called = WorkLog::RollCalled {
        round,
        failed,
        until: mined.block + params.certify_blocks,
    };
    assert!(told.iter().any(|e| e.what == Log::Work(called.clone())));
    let answer = WorkCall::AnswerRoll {
        round,
        position: there[1] as u64,
    };
    account(1).run("answer", answer).await;
    scene.mine_to(mined.block + params.certify_blocks).await;
    let close = WorkCall::CloseRoll { round };
    let mined = scene.broadcaster.queue.run("close", close).await.unwrap();
    let told = client.events_of(mined.tx).await.unwrap();
    let closed = told.iter().find_map(|entry| match entry.what {
        Log::Work(WorkLog::RollClosed {
            answered, jailed, ..
        }) => Some((answered, jailed)),
        _ => None,
    });
    let (answered, jailed) = closed.unwrap();
    assert_eq!(answered, there.iter().fold(0, |bits, at| bits | 1 << at));
    assert_eq!(jailed.count_ones(), 1, "one is enough");
    let gone = scene.verifiers[jailed.trailing_zeros() as usize]
        .0
        .key
        .address();
    let noted = Log::Roster(RosterLog::AbsenceNoted {
        round,
        positions: jailed,
    });
    assert!(told.iter().any(|entry| entry.what == noted));
    let standing = client.standing(Role::Verifier, gone).await.unwrap();
    assert!(standing.jailed && !standing.active);
    let next = scene.network.open_round().await;
    let seats = client.verifiers(next).await.unwrap().seats;
    assert!(seats.len() == 3 && seats.iter().all(|seat| seat.operator != gone));
}
