use super::*;

fn attack(stake_bps: u64, demand_bps: u64, works: bool, list: List) -> Attack {
    Attack {
        stake_bps,
        identities: 1,
        shut_out_bps: 3_333,
        jobs_tried: 50,
        demand_bps,
        works,
        list,
    }
}

#[test]
fn without_the_rule_it_pays() {
    let world = World::mainnet();
    let outcome = best(&world, attack(3_300, 500, true, List::Bare));
    assert_eq!(outcome.paid_wei, 0);
    assert!(outcome.profit_wei > 0);
}

/// The whole range in which the parameters are meant to hold: any stake up to a third, any demand, any split into
/// identities, with and without work of its own.
#[test]
fn with_the_rule_it_pays_nowhere() {
    let world = World::mainnet();
    for stake_bps in [100, 1_000, 2_000, 3_300] {
        for demand_bps in [0, 100, 1_000, 10_000, 80_000] {
            for works in [true, false] {
                for (identities, shut_out_bps) in [(1, 3_333), (4, 3_333), (1, 0)] {
                    let attack = Attack {
                        identities,
                        shut_out_bps,
                        ..attack(stake_bps, demand_bps, works, List::Credited)
                    };
                    let outcome = best(&world, attack);
                    assert!(outcome.profit_wei <= 0, "{outcome:?}");
                }
            }
        }
    }
}

#[test]
fn a_run_begins_with_the_first_segment_and_ends_where_that_serves_best() {
    let world = World::mainnet();
    let scene = Scene::new(&world, attack(3_300, 0, true, List::Credited));
    let shortest = world.params.job_segments as usize;
    let mut later = 0;
    for job in 1..=20 {
        let winners: Vec<_> = scene
            .winners(job, world.price, 2 * shortest as u32)
            .collect();
        let own = |run: &[Address]| run.iter().filter(|w| scene.friends.contains(w)).count();
        let (won, run) = scene.luckiest_end(job);
        assert_eq!((own(&run), &run[..]), (won, &winners[..run.len()]));
        assert!((shortest..=2 * shortest).contains(&run.len()));
        for length in shortest..=2 * shortest {
            assert!(own(&winners[..length]) * run.len() <= won * length);
        }
        later += usize::from(run.len() > shortest);
    }
    assert!(later > 5);
}
