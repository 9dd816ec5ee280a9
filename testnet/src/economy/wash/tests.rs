use assay_protocol::Address;
use assay_protocol::demand::credit;
use assay_protocol::round_work::list;

use super::*;

fn attack(stake_bps: u64, demand_bps: u64, works: Works, list: List) -> Attack {
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
    let outcome = best(&world, attack(3_300, 500, Works::All, List::Bare));
    assert_eq!(outcome.paid_wei, 0);
    assert!(outcome.profit_wei > 0);
}

/// The whole range in which the parameters are meant to hold: any stake up to a third, any demand, any split into
/// identities, with and without work of its own.
#[test]
fn with_the_rule_it_pays_nowhere() {
    let world = World::mainnet();
    for stake_bps in [100, 1_000, 1_900, 2_000, 3_300] {
        for demand_bps in [0, 100, 1_000, 10_000, 80_000] {
            for works in [Works::All, Works::Needed, Works::None] {
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

/// A fifth of a run may lack, so who leaves more undone stops the mint of all, its own first: what it then washes is all
/// demand that there is, and is paid for by others' pixels like demand out of nothing.
#[test]
fn with_a_third_idle_no_honest_run_counts_and_nothing_is_minted() {
    let world = World::mainnet();
    let attack = |works| attack(3_300, 10_000, works, List::Credited);
    let idle = best(&world, attack(Works::None));
    assert_eq!((idle.honest_runs_bps, idle.minted_before), (0, 0));
    let from_nothing = best(
        &world,
        Attack {
            demand_bps: 0,
            ..attack(Works::All)
        },
    );
    assert_eq!(idle.minted_after, from_nothing.minted_after);
    assert_eq!(idle.profit_wei, from_nothing.profit_wei);
    // Before the wash trade nobody else is minted anything either: all that they have is what it brings them.
    assert!(idle.honest_lose < 0, "{idle:?}");
    for works in [Works::All, Works::Needed] {
        let outcome = best(&world, attack(works));
        assert_eq!(outcome.honest_runs_bps, 10_000);
        assert!(outcome.minted_before > 0);
    }
}

/// The tightest case at any size: a third of the stake whose own work is less than its share of demand, be it by luck or
/// because it does no more than the others' runs need. `docs/economics.md` says so of LPT's price.
#[test]
fn an_lpt_must_be_worth_a_third_more_before_any_size_pays() {
    let world = World::mainnet();
    let margins = |attack: Attack| (tightest(&world, attack), attack);
    let credited = table(1_000).into_iter();
    let credited = credited.filter(|a| a.list == List::Credited).map(margins);
    for (margin, attack) in credited {
        let margin = margin.unwrap_or(u128::MAX);
        assert!(margin >= 130, "{margin} {attack:?}");
        // Its own idleness leaves nothing that free pixels could take.
        if attack.works == Works::None && attack.stake_bps == 3_300 {
            assert!(margin >= 800, "{margin}");
        }
    }
}

/// How lucky a run must be, of which `docs/economics.md` says what it takes to find one.
#[test]
fn a_third_gains_by_a_run_of_which_two_thirds_fall_to_it() {
    let world = World::mainnet();
    let scene = Scene::new(&world, attack(3_300, 10_000, Works::Needed, List::Credited));
    let honest = scene.honest_work();
    let others: Vec<_> = (101..=112).map(Address::with_last_byte).collect();
    let profit = |own: usize| {
        let friends = std::iter::repeat_n(scene.friends[0], own);
        let winners = friends.chain(others.iter().copied().cycle()).take(256);
        let run = scene.run(own as u64, winners.collect());
        let full = world.params.full_mint_pixels;
        let sizes = (0..200).map(|part| full / 200 * part);
        let profits = sizes.map(|size| scene.outcome(&honest, &run, size).profit_wei);
        profits.max().unwrap_or(0)
    };
    assert!(profit(165) == 0 && profit(166) > 0);
    let half = UNIT as i128 / 2;
    assert!(profit(173) < half && profit(174) > half);
}

/// What a model adds up is what verifiers would certify.
#[test]
fn a_scene_counts_what_the_list_of_its_round_does() {
    let world = World::mainnet();
    for works in [Works::All, Works::Needed, Works::None] {
        let scene = Scene::new(&world, attack(1_500, 10_000, works, List::Credited));
        let run = scene.best_run();
        for sheets in [scene.honest_runs(), vec![run.sheet]] {
            let list = list(1, sheets.iter(), &scene.snapshot, &scene.rule);
            let work: Vec<_> = scene.worked(sheets.iter()).into_iter().collect();
            let credit = credit(&scene.snapshot, &work, scene.rule.credit);
            let claims = list.claims.iter().map(|c| (c.transcoder, c.pixels));
            assert_eq!(claims.collect::<Vec<_>>(), credit.pixels);
            assert_eq!(list.total_pixels, credit.total);
            assert!(!list.is_empty());
        }
    }
}

#[test]
fn a_run_begins_with_the_first_segment_and_ends_where_that_serves_best() {
    let world = World::mainnet();
    let scene = Scene::new(&world, attack(3_300, 0, Works::All, List::Credited));
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
