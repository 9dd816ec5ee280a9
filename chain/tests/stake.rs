//! What is bonded is read back, and leaves only after its locks.
#![allow(clippy::unwrap_used, clippy::panic)]

mod network;

use assay_chain::call::StakeCall;
use assay_chain::events::{Log, StakeLog};
use assay_chain::views::Role;
use assay_protocol::amount::Lpt;
use assay_protocol::{B256, Bytes, U256};
use network::scene::Scene;
use network::{Network, profiles};

#[tokio::test]
async fn what_was_bonded_is_read_back() {
    let scene = Scene::set().await;
    let client = &scene.broadcaster.client;
    let params = &scene.network.deployment.params;
    client.check_params(params).await.unwrap();
    let mut other = params.clone();
    other.repeat_rounds += 1;
    let error = client.check_params(&other).await.unwrap_err().to_string();
    assert!(
        error.contains("repeatRounds is 30") && error.contains("expects 31"),
        "{error}"
    );

    let view = client.round().await.unwrap();
    assert_eq!(
        (view.round, view.openable_at),
        (scene.round, view.opened_at + params.round_blocks)
    );
    assert_eq!(client.opened_at(scene.round).await.unwrap(), view.opened_at);

    let transcoders = client
        .snapshot(Role::Transcoder, scene.round)
        .await
        .unwrap();
    assert_eq!(transcoders.candidates.len(), 1);
    let electee = transcoders.candidates[0];
    assert_eq!(electee.operator, scene.transcoder.key.address());
    assert_eq!(
        (electee.weight, electee.price),
        (Lpt::whole(400).0, U256::from(7))
    );

    let verifiers = client.verifiers(scene.round).await.unwrap();
    assert_eq!(verifiers.seats.len(), 4);
    for (seat, (account, bls)) in verifiers.seats.iter().zip(&scene.verifiers) {
        assert_eq!(
            (seat.operator, seat.key),
            (account.key.address(), bls.public())
        );
        let pool = client.pool(Role::Verifier, seat.operator).await.unwrap();
        assert_eq!((pool.own.0, pool.weight.0), (seat.weight, seat.weight));
        assert!(pool.active && !pool.is_frozen());
    }
    assert_eq!(
        client
            .snapshot(Role::Verifier, scene.round)
            .await
            .unwrap()
            .candidates
            .len(),
        4
    );

    let job = client.job(scene.job).await.unwrap().unwrap();
    assert_eq!(job.broadcaster, scene.broadcaster.key.address());
    assert_eq!(job.profiles, Bytes::from(profiles().to_bytes()));
    assert_eq!(
        (job.profiles_hash, job.max_price_per_pixel),
        (profiles().hash(), U256::from(9))
    );
    assert_eq!(job.seed, Some(B256::repeat_byte(0x5e)));
    assert_eq!(client.job(U256::from(2)).await.unwrap(), None);
    assert_eq!(client.job_count().await.unwrap(), U256::from(1));

    let pool = client
        .pool(Role::Transcoder, electee.operator)
        .await
        .unwrap();
    assert_eq!(
        (pool.own, pool.delegated),
        (Lpt::whole(300), Lpt::whole(100))
    );
    assert_eq!(
        (
            pool.price_per_pixel,
            pool.reward_cut_bps,
            pool.fee_share_bps
        ),
        (7, 1_000, 5_000)
    );
    assert_eq!(scene.stake(&scene.delegator).await, Lpt::whole(100));
    assert!(client.snapshot(Role::Transcoder, 99).await.is_err());
}

#[tokio::test]
async fn stake_leaves_after_its_locks() {
    let network = Network::start().await;
    let verifier = network.account(50, 100).await;
    let small = verifier
        .refused(StakeCall::Bond {
            role: Role::Verifier,
            amount: Lpt::whole(1),
        })
        .await;
    assert!(small.contains("bond too small"), "{small}");
    verifier.bond(Role::Verifier, 100).await;
    let operator = verifier.key.address();
    let amount = Lpt::whole(40);
    let unbond = StakeCall::Unbond {
        role: Role::Verifier,
        operator,
        amount,
    };
    let mined = verifier.queue.run("unbond", unbond).await.unwrap();
    let events = verifier.client.events_of(mined.tx).await.unwrap();
    let lock = events.iter().find_map(|e| {
        if let Log::Stake(StakeLog::Unbonded { lock, .. }) = e.what {
            Some(lock)
        } else {
            None
        }
    });
    let lock = lock.unwrap();
    let view = verifier.client.lock(lock).await.unwrap();
    assert_eq!(
        (view.holder, view.amount, view.role),
        (operator, amount, Role::Verifier)
    );
    let early = verifier.refused(StakeCall::Withdraw { lock }).await;
    assert!(early.contains("too early"), "{early}");
    for _ in 0..4 {
        network.open_round().await;
    }
    let params = &network.deployment.params;
    network
        .anvil
        .mine(params.response_blocks + params.evidence_blocks + params.case_blocks)
        .await
        .unwrap();
    verifier.run("withdraw", StakeCall::Withdraw { lock }).await;
    assert_eq!(verifier.client.lpt_balance(operator).await.unwrap(), amount);
    let gone = verifier.refused(StakeCall::Withdraw { lock }).await;
    assert!(gone.contains("unknown lock"), "{gone}");
}
