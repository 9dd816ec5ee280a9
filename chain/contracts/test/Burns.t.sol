// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {ERC20Burnable} from "@openzeppelin/contracts/token/ERC20/extensions/ERC20Burnable.sol";
import {CaseStatus} from "../interfaces/IFraudCourt.sol";
import {Burns} from "../libraries/Burns.sol";
import {Role} from "../objects/Role.sol";
import {Courtroom} from "./Courtroom.sol";

/// A staked token that lets nobody burn, as one that keeps it to a role does.
contract BurnsTest is Courtroom {
    function setUp() external {
        startCourt();
        vm.mockCallRevert(
            address(token), abi.encodeWithSelector(ERC20Burnable.burn.selector), "AccessControl: no burner"
        );
    }

    function test_a_token_that_cannot_be_burned_holds_up_no_slash() external {
        bytes32 caseId = prove(receipt(1), 0xf);
        afterWindow();
        court.execute(caseId);
        assertStatus(caseId, CaseStatus.Executed);
        vm.assertFalse(frozen());
        vm.assertEq(ownStake(Role.Transcoder, transcoder), 900 * LPT);
        // 150, less what waits for signers and finder.
        vm.assertEq(token.balanceOf(Burns.SINK), 120 * LPT);
        vm.assertEq(token.balanceOf(address(court)), 30 * LPT);
    }

    function test_it_holds_up_no_ruling() external {
        bytes32 caseId = prove(receipt(1), 0xf);
        vm.prank(transcoder);
        contests.contest(caseId);
        vm.prank(RESOLVER);
        contests.resolve(caseId, true);
        assertStatus(caseId, CaseStatus.Executed);
        vm.assertEq(token.balanceOf(Burns.SINK), 130 * LPT);
    }

    function test_nor_the_end_of_a_silent_contest() external {
        bytes32 caseId = prove(receipt(1), 0xf);
        vm.prank(transcoder);
        contests.contest(caseId);
        passRounds(7);
        contests.lapse(caseId);
        assertStatus(caseId, CaseStatus.Executed);
        vm.assertEq(token.balanceOf(Burns.SINK), 130 * LPT);
    }

    function test_nor_a_plant_that_was_not_revealed() external {
        vm.prank(transcoder);
        challenges.plantFault("commitment");
        passRounds(2);
        vm.roll(rounds.openedAt(3) + 35);
        challenges.burnPlant(transcoder, 1);
        vm.assertEq(token.balanceOf(Burns.SINK), LPT);
    }
}
