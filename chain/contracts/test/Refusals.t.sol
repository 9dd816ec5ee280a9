// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {IChallenges} from "../interfaces/IChallenges.sol";
import {IContests} from "../interfaces/IContests.sol";
import {SignedReceipt} from "../interfaces/IEvidence.sol";
import {IWorkLedger} from "../interfaces/IWorkLedger.sol";
import {Role} from "../objects/Role.sol";
import {RoundWork} from "../objects/RoundWork.sol";
import {Verdict} from "../objects/Verdict.sol";
import {InvalidParameter, Parameters} from "../Parameters.sol";
import {Bls} from "../libraries/Bls.sol";
import {Draw} from "../libraries/Draw.sol";
import {BlsSigner} from "./BlsSigner.sol";
import {Courtroom} from "./Courtroom.sol";
import {WorkStage} from "./WorkStage.sol";

/// What constructors and calls refuse, where no other test has a story about it.
contract RefusalsTest is Courtroom {
    using BlsSigner for uint256;

    function setUp() external {
        startCourt();
    }

    function test_no_contract_takes_parameters_that_it_cannot_work_with() external {
        Parameters memory p = parameters();
        p.resolverRounds = 0;
        _refused("Contests", p, "resolverRounds", 0, 1);
        p = parameters();
        p.breakerRounds = 0;
        _refused("Contests", p, "breakerRounds", 0, 1);
        p.breakerRounds = 3;
        _refused("Contests", p, "breakerRounds", 3, 2);
        p = parameters();
        p.epochBlocks = 0;
        _refused("Challenges", p, "epochBlocks", 0, 1);
        _refused("WorkLedger", p, "epochBlocks", 0, 1);
        p = parameters();
        p.capRounds = 0;
        _refused("FraudCourt", p, "capRounds", 0, 1);
        p = parameters();
        p.unbondingRounds = 0;
        _refused("BondingManager", p, "unbondingRounds", 0, 1);
        p = parameters();
        p.minimumOwnBond = 0;
        _refused("BondingManager", p, "minimumOwnBond", 0, 1);
        p = parameters();
        p.seedDelayBlocks = 0;
        _refused("JobRegistry", p, "seedDelayBlocks", 0, 1);
        p = parameters();
        p.certifyBlocks = 0;
        _refused("WorkLedger", p, "certifyBlocks", 0, 1);
        p = parameters();
        p.claimBlocks = 0;
        _refused("WorkLedger", p, "claimBlocks", 0, 1);
        p = parameters();
        p.transcodersMintBps = 10_001;
        _refused("WorkLedger", p, "transcodersMintBps", 10_001, 10_000);
        p = parameters();
        p.claimSlackBps = 10_001;
        _refused("WorkLedger", p, "claimSlackBps", 10_001, 10_000);
        p = parameters();
        p.targetBondingBps = 0;
        _refused("Minter", p, "targetBondingBps", 0, 10_000);
    }

    function test_the_court_knows_its_contests_and_challenges() external {
        vm.expectPartialRevert(IContests.WrongDeployment.selector);
        create("Contests", abi.encode(parameters(), addresses));
        vm.expectPartialRevert(IChallenges.WrongDeployment.selector);
        create("Challenges", abi.encode(parameters(), addresses));
    }

    /// A finder that has a case of its own waits for its end.
    function test_a_frozen_finder_is_paid_after_its_own_case() external {
        SignedReceipt memory signed = receipt(1);
        bytes32 caseId = prove(signed, 0xf);
        uint64 epoch = epochOf(signed.assignment);
        vm.roll((uint256(epoch) + 1) * 5);
        court.execute(caseId);
        uint256 finder = 4;
        for (uint256 i = 0; i < VERIFIERS && finder == 4; ++i) {
            if (draws(signed, i, 3)) finder = i;
        }
        vm.assertTrue(finder < 4, "somebody has drawn the leaf");
        challenges.claimFinder(signed.assignment, finder, ticket(finder, epoch));
        vm.roll(signed.assignment.deadlineBlock + 21);
        bytes memory both = Bls.addG1(
            seats[finder].sign(evidence.hashVerdict(Verdict("r", 5, "one"))),
            seats[finder].sign(evidence.hashVerdict(Verdict("r", 5, "two")))
        );
        bytes32 own = court.verifierEquivocation(seat(finder), Verdict("r", 5, "one"), "two", both);
        vm.expectRevert(abi.encodeWithSelector(IChallenges.FinderFrozen.selector, seat(finder)));
        challenges.settleFinder(signed.assignment);
        afterWindow();
        court.execute(own);
        vm.assertEq(challenges.settleFinder(signed.assignment), 10 * LPT);
        vm.assertEq(token.balanceOf(seat(finder)), 10 * LPT);
    }

    function test_a_receipt_of_another_assignment_says_nothing() external {
        SignedReceipt memory signed = receipt(1);
        SignedReceipt memory other = receipt(2);
        vm.expectRevert(
            abi.encodeWithSelector(
                IChallenges.WrongReceipt.selector, other.receipt.assignmentHash, signed.receipt.assignmentHash
            )
        );
        challenges.falseDivergence(signed.assignment, other.receipt, 3, 2, "");
    }

    function test_nobody_takes_bonds_that_are_not_owed() external {
        vm.expectRevert(abi.encodeWithSelector(IChallenges.NothingOwed.selector, address(this)));
        challenges.withdraw();
    }

    function test_a_ticket_of_another_length_draws_nothing() external {
        vm.expectRevert(abi.encodeWithSelector(Draw.WrongTicketLength.selector, 47, 48));
        this.drawWith(new bytes(47));
    }

    function drawWith(bytes calldata ticket_) external pure returns (bool) {
        return Draw.draws(ticket_, "r", 0, 1, 1, 1);
    }

    function _refused(
        string memory name,
        Parameters memory p,
        string memory what,
        uint256 found,
        uint256 limit
    ) private {
        vm.expectRevert(abi.encodeWithSelector(InvalidParameter.selector, what, found, limit));
        create(name, abi.encode(p, addresses));
    }
}

/// Where the whole mint is the transcoders'.
contract NoPartForVerifiersTest is WorkStage {
    function parameters() internal pure override returns (Parameters memory p) {
        p = super.parameters();
        p.transcodersMintBps = 10_000;
    }

    function test_a_duty_that_earns_nothing_is_not_paid() external {
        startWork();
        (RoundWork memory list,) = listOf(1, [uint64(100_000), 200_000, 700_000]);
        certify(list, ALL);
        vm.expectRevert(abi.encodeWithSelector(IWorkLedger.NothingEarned.selector, 1, verifier(0)));
        work.claimDuty(1, 0);
    }
}
