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
