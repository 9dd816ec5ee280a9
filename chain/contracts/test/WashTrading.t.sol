// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Role} from "../objects/Role.sol";
import {RoundWork} from "../objects/RoundWork.sol";
import {WorkClaim} from "../objects/WorkClaim.sol";
import {Parameters} from "../Parameters.sol";
import {WorkStage} from "./WorkStage.sol";

/// A broadcaster and a transcoder in collusion, over several rounds on the real contracts, at mainnet's numbers of the
/// mint. The first of three transcoders cheats; the verifiers list what the protocol's rule credits (`demand`).
/// What a pixel of the honest costs is the reference price, and LPT is worth what `docs/economics.md` assumes.
contract WashTradingTest is WorkStage {
    uint64 private constant ROUNDS = 3;
    /// Pixels of all broadcasters but the cheat, in each round: a tenth of what mints the whole budget.
    uint64 private constant DEMAND = 5_000_000_000_000_000;
    /// Wei of a pixel, and of 1 LPT.
    uint256 private constant PRICE = 1000;
    uint256 private constant LPT_PRICE = 0.002 ether;
    uint256 private constant TRIM = 3334;
    uint256 private constant BPS = 10_000;

    /// Pixels of each transcoder in a round.
    struct Work {
        uint64[3] pixels;
    }

    /// What a run gave, in base units of LPT.
    struct Outcome {
        uint256 cheat;
        uint256 honest;
    }

    function parameters() internal pure override returns (Parameters memory p) {
        p = super.parameters();
        (p.fullMintPixels, p.claimSlackBps) = (50_000_000_000_000_000, 0);
    }

    function test_with_a_tenth_of_the_stake_free_pixels_mint_nothing_more() external {
        _freePixels([100 * LPT, 450 * LPT, 450 * LPT]);
    }

    function test_with_a_third_of_the_stake_free_pixels_mint_nothing_more() external {
        _freePixels([330 * LPT, 335 * LPT, 335 * LPT]);
    }

    function test_with_a_tenth_of_the_stake_bought_demand_costs_more_than_it_mints() external {
        (uint256 gain, uint256 paid) = _boughtDemand([100 * LPT, 450 * LPT, 450 * LPT]);
        // Ten times the demand: 9 % of the stake's part of the budget more, for the fees of nine tenths of the pixels.
        vm.assertGe(paid, 30 * gain);
        emit Measured("a tenth", gain, paid);
    }

    /// [wash trading]
    function test_with_a_third_of_the_stake_bought_demand_costs_more_than_it_mints() external {
        (uint256 gain, uint256 paid) = _boughtDemand([330 * LPT, 335 * LPT, 335 * LPT]);
        vm.assertGe(paid, 8 * gain);
        emit Measured("a third", gain, paid);
    }

    /// Without the rule about demand, pixels to oneself would have bought a part of the inflation: what the rule is for.
    function test_the_chain_alone_would_pay_for_free_pixels_up_to_the_share_of_stake() external {
        stakes = [100 * LPT, 450 * LPT, 450 * LPT];
        _start();
        uint64 free = 45_000_000_000_000_000;
        (RoundWork memory list, WorkClaim[] memory claims) =
            listOf(1, [free + DEMAND / 10, DEMAND * 45 / 100, DEMAND * 45 / 100]);
        certify(list, ALL);
        (uint256 budget,) = minter.budgetOf(1);
        // Its share of the stake in the whole budget, and not its share of the pixels, which is nine tenths.
        vm.assertApproxEqAbs(claim(claims, 0), budget * 9 / 10 / 10, 1);
    }

    event Measured(string stake, uint256 gain, uint256 paid);

    /// The friend's segments are long and cost nothing: nobody pays for them, so that only the list can stop them.
    function _freePixels(uint256[3] memory stakes_) private {
        stakes = stakes_;
        _start();
        Outcome memory honest = _run(_fair(DEMAND));
        _start();
        Work memory washed = _fair(DEMAND);
        washed.pixels[0] += 1_000_000_000_000_000_000;
        Outcome memory wash = _run(washed);
        // A thousandth is what leaving out a little more than a third rounds to.
        vm.assertLe(wash.cheat, honest.cheat * 1001 / 1000);
        vm.assertGe(wash.honest, honest.honest * 999 / 1000);
        vm.assertTrue(honest.cheat > LPT, "nothing was minted");
    }

    /// The broadcaster pays for nine times the demand of all others, which elections give to everybody.
    /// @return gain what the coalition mints more than by honest work, in wei
    /// @return paid what its broadcaster pays the others for that, in wei
    function _boughtDemand(uint256[3] memory stakes_) private returns (uint256 gain, uint256 paid) {
        stakes = stakes_;
        _start();
        Outcome memory honest = _run(_fair(DEMAND));
        _start();
        Outcome memory wash = _run(_fair(10 * DEMAND));
        gain = (wash.cheat - honest.cheat) * LPT_PRICE / LPT;
        uint256 bought = uint256(9) * DEMAND * ROUNDS;
        paid = bought * (stakes_[1] + stakes_[2]) / (1000 * LPT) * PRICE;
        // The honest lose nothing: they mint more, too, and have the fees.
        vm.assertGe(wash.honest, honest.honest);
    }

    /// @dev As many pixels for each as elections by stake give.
    function _fair(uint64 demand) private view returns (Work memory work_) {
        for (uint256 i = 0; i < 3; ++i) {
            work_.pixels[i] = uint64(demand * stakes[i] / (1000 * LPT));
        }
    }

    function _start() private {
        startWork();
        // 30 million LPT are about what exists.
        token.burn(SUPPLY - 30_000_000 * LPT);
        openRound();
    }

    function _run(Work memory raw) private returns (Outcome memory outcome) {
        uint64 first = rounds.currentRound();
        uint256 before = token.totalSupply();
        for (uint64 round = first; round < first + ROUNDS; ++round) {
            (RoundWork memory list, WorkClaim[] memory claims) = listOf(round, _credited(raw));
            list.totalPixels = _demand(raw);
            if (list.totalPixels < _sum(claims)) list.totalPixels = _sum(claims);
            certify(list, ALL);
            outcome.cheat += claim(claims, 0);
            outcome.honest += claim(claims, 1) + claim(claims, 2);
            (uint256 mintable, uint256 minted) = minter.budgetOf(round);
            vm.assertLe(minted, mintable);
        }
        vm.assertEq(token.totalSupply() - before, outcome.cheat + outcome.honest);
        vm.assertGe(bonding.pool(Role.Transcoder, transcoders[0]).weight, stakes[0]);
    }

    /// @dev The rule of `assay_protocol::demand`: the work of all but the busiest third of the stake, scaled up.
    function _demand(Work memory raw) private view returns (uint64) {
        uint256 total = stakes[0] + stakes[1] + stakes[2];
        uint256 out = (total * TRIM + BPS - 1) / BPS;
        uint256 rest;
        bool[3] memory seen;
        for (uint256 n = 0; n < 3; ++n) {
            uint256 busiest = 3;
            for (uint256 i = 0; i < 3; ++i) {
                if (seen[i]) continue;
                if (
                    busiest == 3
                        || uint256(raw.pixels[i]) * stakes[busiest] > uint256(raw.pixels[busiest]) * stakes[i]
                ) busiest = i;
            }
            seen[busiest] = true;
            uint256 left = out < stakes[busiest] ? out : stakes[busiest];
            out -= left;
            rest += uint256(raw.pixels[busiest]) * (stakes[busiest] - left) / stakes[busiest];
        }
        return uint64(rest * BPS / (BPS - TRIM));
    }

    function _credited(Work memory raw) private view returns (uint64[3] memory pixels) {
        uint256 total = stakes[0] + stakes[1] + stakes[2];
        uint256 demand = _demand(raw);
        for (uint256 i = 0; i < 3; ++i) {
            uint256 most = stakes[i] * demand / total;
            pixels[i] = raw.pixels[i] < most ? raw.pixels[i] : uint64(most);
        }
    }

    function _sum(WorkClaim[] memory claims) private pure returns (uint64 sum) {
        for (uint256 i = 0; i < claims.length; ++i) {
            sum += claims[i].pixels;
        }
    }
}
