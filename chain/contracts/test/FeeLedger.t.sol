// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {Addresses} from "../Addresses.sol";
import {FeeLedger} from "../FeeLedger.sol";
import {FeePool, IFeeLedger} from "../interfaces/IFeeLedger.sol";
import {Parameters} from "../Parameters.sol";
import {ShareBook} from "./ShareBook.sol";
import {TestBase} from "./TestBase.sol";

/// Who earns what of a transcoder's fees. This contract is the broker.
contract FeeLedgerTest is TestBase {
    uint64 private constant ROUND = 100;
    address private constant OPERATOR = address(0x0FE2);
    address private constant ALICE = address(0xA11CE);
    address private constant BOB = address(0xB0B);

    ShareBook private _book;
    FeeLedger private _fees;

    function setUp() external {
        vm.roll(1000);
        _book = new ShareBook(OPERATOR);
        Parameters memory p;
        p.roundLength = ROUND;
        Addresses memory a;
        (a.bonding, a.operators, a.rounds) = (address(_book), address(_book), address(_book));
        a.broker = address(this);
        _fees = FeeLedger(create("FeeLedger", abi.encode(p, a)));
        _book.serve(_fees, 2500);
        vm.deal(address(this), 1e30);
    }

    /// Livepeer's earnings for a stake of 1,000 with 3,000 delegated and a fee share of 25 %: of 1,000 the
    /// operator's commission is 750, and 250 go to all by stake: 62.5 and 187.5.
    function test_livepeers_known_arithmetic() external {
        _book.set(OPERATOR, 1000);
        _book.set(ALICE, 3000);
        vm.expectEmit(true, true, true, true, address(_fees));
        emit IFeeLedger.FeesCredited(OPERATOR, 1000 ether, 250 ether);
        _credit(1000 ether);
        vm.assertEq(_fees.feesOf(OPERATOR, OPERATOR), 750 ether);
        vm.assertEq(_fees.feesOf(OPERATOR, ALICE), 0);
        vm.roll(block.number + ROUND);
        vm.assertEq(_fees.feesOf(OPERATOR, OPERATOR), 812.5 ether);
        vm.assertEq(_fees.feesOf(OPERATOR, ALICE), 187.5 ether);
        _take(ALICE, 187.5 ether);
        _take(OPERATOR, 812.5 ether);
        vm.assertEq(address(_fees).balance, 0);
    }

    function test_a_share_of_nothing_leaves_all_to_the_operator_and_a_whole_one_nothing() external {
        _book.set(OPERATOR, 1000);
        _book.set(ALICE, 3000);
        _book.setFeeShare(0);
        _credit(8 ether);
        vm.assertEq(_fees.feesOf(OPERATOR, OPERATOR), 8 ether);
        vm.assertEq(_fees.poolOf(OPERATOR).pending, 0);
        _book.setFeeShare(10_000);
        _credit(8 ether);
        vm.roll(block.number + ROUND);
        vm.assertEq(_fees.feesOf(OPERATOR, OPERATOR), 10 ether);
        vm.assertEq(_fees.feesOf(OPERATOR, ALICE), 6 ether);
    }

    function test_the_shared_part_is_released_evenly() external {
        _book.set(OPERATOR, 1000);
        _book.set(ALICE, 1000);
        _book.setFeeShare(10_000);
        _credit(200 ether);
        vm.roll(block.number + 25);
        vm.assertEq(_fees.feesOf(OPERATOR, ALICE), 25 ether);
        FeePool memory pool = _fees.poolOf(OPERATOR);
        vm.assertEq(pool.pending, 150 ether);
        vm.assertEq(pool.undivided, 50 ether);
        vm.assertEq(pool.endBlock, block.number + 75);
        vm.roll(block.number + 500);
        vm.assertEq(_fees.feesOf(OPERATOR, ALICE), 100 ether);
    }

    /// Hopping in before a payment and out after it earns what the blocks between are worth.
    function test_hopping_from_payment_to_payment() external {
        _book.set(OPERATOR, 1000);
        _book.setFeeShare(10_000);
        _book.set(BOB, 9000);
        _credit(100 ether);
        vm.roll(block.number + 1);
        _book.set(BOB, 0);
        vm.assertEq(_fees.feesOf(OPERATOR, BOB), 0.9 ether);
        vm.roll(block.number + ROUND);
        vm.assertEq(_fees.feesOf(OPERATOR, OPERATOR), 99.1 ether);
        vm.assertEq(_fees.feesOf(OPERATOR, BOB), 0.9 ether);
    }

    /// One wei with each block leaves the end of what is pending where it was.
    function test_dust_payments_put_nothing_off() external {
        _book.set(OPERATOR, 1000);
        _book.set(ALICE, 1000);
        _book.setFeeShare(10_000);
        _credit(200 ether);
        for (uint256 i = 0; i < ROUND; ++i) {
            vm.roll(block.number + 1);
            _credit(1);
        }
        vm.assertGe(_fees.feesOf(OPERATOR, ALICE), 100 ether);
        vm.roll(block.number + ROUND);
        vm.assertApproxEqAbs(_fees.feesOf(OPERATOR, ALICE), 100 ether + 50, 1);
    }

    function test_later_shares_earn_nothing_of_what_was_released() external {
        _book.set(OPERATOR, 1000);
        _book.setFeeShare(10_000);
        _credit(100 ether);
        vm.roll(block.number + 50);
        _book.set(ALICE, 1000);
        vm.assertEq(_fees.feesOf(OPERATOR, ALICE), 0);
        vm.roll(block.number + 50);
        vm.assertEq(_fees.feesOf(OPERATOR, ALICE), 25 ether);
        vm.assertEq(_fees.feesOf(OPERATOR, OPERATOR), 75 ether);
    }

    function test_shares_that_are_lost_keep_what_they_had_earned() external {
        _book.set(OPERATOR, 1000);
        _book.set(ALICE, 1000);
        _book.set(BOB, 2000);
        _book.setFeeShare(10_000);
        _credit(400 ether);
        vm.roll(block.number + 50);
        _book.wipe();
        vm.assertEq(_fees.feesOf(OPERATOR, ALICE), 50 ether);
        vm.assertEq(_fees.feesOf(OPERATOR, OPERATOR), 50 ether);
        // Alice returns with new shares before she took the old ones' fees, Bob does not.
        _book.set(ALICE, 500);
        vm.assertEq(_fees.feesOf(OPERATOR, ALICE), 50 ether);
        vm.roll(block.number + 50);
        // All the rest is hers: nobody else has shares.
        vm.assertEq(_fees.feesOf(OPERATOR, ALICE), 250 ether);
        vm.assertEq(_fees.feesOf(OPERATOR, BOB), 100 ether);
        _take(BOB, 100 ether);
        _take(ALICE, 250 ether);
        _take(OPERATOR, 50 ether);
        vm.assertEq(address(_fees).balance, 0);
    }

    function test_what_is_released_to_no_shares_is_the_operators() external {
        _book.setFeeShare(10_000);
        _credit(100 ether);
        vm.roll(block.number + ROUND);
        vm.assertEq(_fees.feesOf(OPERATOR, OPERATOR), 100 ether);
        _take(OPERATOR, 100 ether);
    }

    function test_a_frozen_operators_own_fees_wait_and_its_delegators_do_not() external {
        _book.set(OPERATOR, 1000);
        _book.set(ALICE, 1000);
        _credit(8 ether);
        vm.roll(block.number + ROUND);
        _book.setFrozen(true);
        vm.prank(OPERATOR);
        vm.expectRevert(abi.encodeWithSelector(IFeeLedger.OperatorFrozen.selector, OPERATOR));
        _fees.withdrawFees(OPERATOR, payable(OPERATOR));
        _take(ALICE, 1 ether);
        _book.setFrozen(false);
        _take(OPERATOR, 7 ether);
    }

    function test_nobody_but_the_holder_withdraws_and_only_once() external {
        _book.set(OPERATOR, 1000);
        _credit(8 ether);
        vm.prank(BOB);
        vm.expectRevert(abi.encodeWithSelector(IFeeLedger.NoFees.selector, OPERATOR, BOB));
        _fees.withdrawFees(OPERATOR, payable(BOB));
        vm.roll(block.number + ROUND);
        _take(OPERATOR, 8 ether);
        vm.prank(OPERATOR);
        vm.expectRevert(abi.encodeWithSelector(IFeeLedger.NoFees.selector, OPERATOR, OPERATOR));
        _fees.withdrawFees(OPERATOR, payable(OPERATOR));
    }

    function test_an_account_that_takes_no_ether_loses_none() external {
        _book.set(OPERATOR, 1000);
        _credit(8 ether);
        vm.prank(OPERATOR);
        vm.expectRevert(abi.encodeWithSelector(IFeeLedger.NotTaken.selector, address(_book), 6 ether));
        _fees.withdrawFees(OPERATOR, payable(address(_book)));
        vm.assertEq(_fees.feesOf(OPERATOR, OPERATOR), 6 ether);
    }

    /// Withdrawing to a contract that withdraws again finds nothing.
    function test_reentering_a_withdrawal() external {
        _book.set(OPERATOR, 1000);
        Again again = new Again(_fees, OPERATOR);
        _book.set(address(again), 1000);
        _book.setFeeShare(10_000);
        _credit(8 ether);
        vm.roll(block.number + ROUND);
        again.take();
        vm.assertEq(address(again).balance, 4 ether);
        vm.assertTrue(again.refused());
    }

    function test_only_the_broker_credits_and_only_the_bonding_manager_settles() external {
        vm.deal(BOB, 1 ether);
        vm.prank(BOB);
        vm.expectRevert(abi.encodeWithSelector(IFeeLedger.NotTheBroker.selector, BOB));
        _fees.credit{value: 1 ether}(OPERATOR, 1);
        vm.expectRevert(abi.encodeWithSelector(IFeeLedger.NotTheBondingManager.selector, address(this)));
        _fees.settle(OPERATOR, BOB, 1e30, 1e30, 0);
    }

    /// More than the rate can hold is released at once, and nothing is lost.
    function test_a_payment_beyond_the_rate() external {
        _book.set(OPERATOR, 1000);
        _book.setFeeShare(10_000);
        _credit(100_000 ether);
        uint256 held = uint256(type(uint64).max) * ROUND;
        vm.assertEq(_fees.poolOf(OPERATOR).pending, held);
        vm.assertEq(_fees.feesOf(OPERATOR, OPERATOR), 100_000 ether - held);
        vm.roll(block.number + ROUND);
        _take(OPERATOR, 100_000 ether);
    }

    /// Against a ledger that visits every holder in every block. `steps` packs what happens: two bits who, six
    /// bits how much.
    function testFuzz_a_naive_ledger_agrees(bytes32 steps, uint16 feeShareBps) external {
        feeShareBps = uint16(bound(feeShareBps, 0, 10_000));
        _book.setFeeShare(feeShareBps);
        _book.set(OPERATOR, 1e21);
        address[3] memory holders = [OPERATOR, ALICE, BOB];
        uint256[3] memory earned;
        uint256 credited;
        for (uint256 i = 0; i < 16; ++i) {
            uint256 who = uint8(steps[i]) >> 6;
            uint256 much = uint8(steps[i]) & 63;
            if (who == 3) {
                uint256 undivided = _fees.poolOf(OPERATOR).undivided;
                _credit(much * 1e15);
                credited += much * 1e15;
                earned[0] += much * 1e15 - much * 1e15 * feeShareBps / 10_000;
                // What the rate's rounding leaves over is released with the payment.
                undivided = _fees.poolOf(OPERATOR).undivided - undivided;
                for (uint256 h = 0; h < 3; ++h) {
                    earned[h] += undivided * _book.sharesHeld(holders[h]) / _book.total();
                }
            } else {
                _book.set(holders[who], who == 0 ? (much + 1) * 1e20 : much * 1e20);
            }
            for (uint256 b = much % 17; b != 0; --b) {
                uint256 before = _fees.poolOf(OPERATOR).pending;
                vm.roll(block.number + 1);
                uint256 due = before - _fees.poolOf(OPERATOR).pending;
                for (uint256 h = 0; h < 3; ++h) {
                    earned[h] += due * _book.sharesHeld(holders[h]) / _book.total();
                }
            }
        }
        uint256 sum;
        for (uint256 h = 0; h < 3; ++h) {
            uint256 found = _fees.feesOf(OPERATOR, holders[h]);
            sum += found;
            // A wei for each division in either ledger.
            vm.assertApproxEqAbs(found, earned[h], 300);
        }
        FeePool memory pool = _fees.poolOf(OPERATOR);
        vm.assertEq(address(_fees).balance, credited);
        vm.assertLe(sum + pool.pending, credited);
        vm.assertGe(sum + pool.pending + 3 * 17, credited);
    }

    function _credit(uint256 amount) private {
        _fees.credit{value: amount}(OPERATOR, 1);
    }

    function _take(address holder, uint256 expected) private {
        uint256 before = holder.balance;
        vm.prank(holder);
        vm.assertEq(_fees.withdrawFees(OPERATOR, payable(holder)), expected);
        vm.assertEq(holder.balance - before, expected);
    }
}

/// Withdraws once more while it is paid.
contract Again {
    IFeeLedger private immutable _fees;
    address private immutable _operator;
    bool public refused;

    constructor(IFeeLedger fees, address operator) {
        (_fees, _operator) = (fees, operator);
    }

    function take() external {
        _fees.withdrawFees(_operator, payable(address(this)));
    }

    receive() external payable {
        try _fees.withdrawFees(_operator, payable(address(this))) {}
        catch {
            refused = true;
        }
    }
}
