// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

import {LockState, PoolState} from "../../interfaces/IBondingManager.sol";
import {Role} from "../../objects/Role.sol";
import {Network} from "../Network.sol";
import {StakeActors} from "./StakeActors.sol";

contract StakingInvariants is Network {
    StakeActors private _actors;

    function setUp() external {
        deploy();
        _actors = new StakeActors(bonding, roster, token, rounds, address(court), addresses.minter);
        token.transfer(address(_actors), SUPPLY);
    }

    struct Targets {
        address target;
        bytes4[] selectors;
    }

    function targetContracts() external view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(_actors);
    }

    /// All but `everybodyLeaves`, which ends a run.
    function targetSelectors() external view returns (Targets[] memory targets) {
        targets = new Targets[](1);
        targets[0].target = address(_actors);
        bytes4[] memory s = new bytes4[](14);
        (s[0], s[1], s[2]) =
        (StakeActors.bond.selector, StakeActors.delegate.selector, StakeActors.unbond.selector);
        (s[3], s[4], s[5]) =
        (StakeActors.move.selector, StakeActors.arrive.selector, StakeActors.rebond.selector);
        (s[6], s[7], s[8]) =
        (StakeActors.withdraw.selector, StakeActors.reward.selector, StakeActors.donate.selector);
        (s[9], s[10], s[11]) =
        (StakeActors.freeze.selector, StakeActors.unfreeze.selector, StakeActors.slash.selector);
        (s[12], s[13]) = (StakeActors.pass.selector, StakeActors.enlist.selector);
        targets[0].selectors = s;
    }

    function invariant_staking() external view {
        _poolsSumToTheTokens();
        _stakesFitTheirPools();
        _locksFitTheirPools();
        _frozenStakeStays();
        _snapshotsNeverChange();
    }

    /// At any time everybody can leave with what its stake is worth.
    function afterInvariant() external {
        _actors.everybodyLeaves();
        uint256 left = token.balanceOf(address(bonding)) - _actors.donated();
        uint256 owned;
        for (uint256 i = 0; i < 6; ++i) {
            (Role role, address operator) = (Role(i % 2), _actors.operatorAt(i / 2));
            PoolState memory p = bonding.pool(role, operator);
            // Rewards that were due later came to those whose stake was worth nothing when everybody left.
            uint256 stakes = _actors.stakesIn(role, operator);
            owned += p.pendingRewards + stakes;
            // What rounding leaves of a pool without holders: a share is worth one unit at most.
            vm.assertLe(p.delegatedStake + p.delegatedUnbonding, (2 << 24) + stakes);
        }
        vm.assertLe(left - owned, 12 << 24);
    }

    /// The pools hold exactly the tokens of the contract, and nothing is lost but what is burned.
    function _poolsSumToTheTokens() private view {
        uint256 sum;
        uint256 bonded;
        for (uint256 i = 0; i < 6; ++i) {
            (Role role, address operator) = (Role(i % 2), _actors.operatorAt(i / 2));
            sum += _actors.totalOf(role, operator);
            vm.assertEq(bonding.slashable(role, operator), _actors.totalOf(role, operator));
            PoolState memory p = bonding.pool(role, operator);
            bonded += p.ownStake + p.delegatedStake;
            _sharesNeverInflate(role, operator, p.ownStake + p.delegatedStake);
        }
        vm.assertEq(sum + _actors.donated(), token.balanceOf(address(bonding)));
        vm.assertEq(token.totalSupply(), SUPPLY - _actors.burned());
        // What has become due and was not released yet is seen by the pools first.
        vm.assertLe(bonding.totalBonded(), bonded);
    }

    /// A share is worth one base unit at most, and 2^-64 of one at least.
    function _sharesNeverInflate(Role role, address operator, uint256 tokens) private view {
        (uint256 own, uint256 all,) = bonding.sharesOf(role, operator);
        vm.assertLe(own, all);
        vm.assertLe(tokens + 1, all + (1 << 24));
        vm.assertLe(all, (tokens + 1) << 64);
    }

    /// No holders together have more than their pool.
    function _stakesFitTheirPools() private view {
        for (uint256 role = 0; role < 2; ++role) {
            for (uint256 i = 0; i < _actors.OPERATORS(); ++i) {
                address operator = _actors.operatorAt(i);
                PoolState memory p = bonding.pool(Role(role), operator);
                uint256 delegated;
                for (uint256 d = 0; d < _actors.DELEGATORS(); ++d) {
                    delegated += bonding.stakeOf(Role(role), operator, _actors.delegatorAt(d));
                }
                for (uint256 o = 0; o < _actors.OPERATORS(); ++o) {
                    if (o != i) delegated += bonding.stakeOf(Role(role), operator, _actors.operatorAt(o));
                }
                vm.assertLe(delegated, p.delegatedStake);
                // Rewards that were released since the last change may lift it over the minimum.
                if (roster.isActive(Role(role), operator)) vm.assertTrue(p.weight != 0);
            }
        }
    }

    function _locksFitTheirPools() private view {
        uint256[6] memory locked;
        for (uint256 id = 1; id <= bonding.lockCount(); ++id) {
            try bonding.lockOf(id) returns (LockState memory lock) {
                locked[uint256(uint160(lock.operator)) % 0x1000 * 2 + uint256(lock.role)] += lock.amount;
            } catch {}
        }
        for (uint256 i = 0; i < 6; ++i) {
            PoolState memory p = bonding.pool(Role(i % 2), _actors.operatorAt(i / 2));
            vm.assertLe(locked[i], p.ownUnbonding + p.delegatedUnbonding);
        }
    }

    /// Only slashes and rewards change what a frozen pool holds.
    function _frozenStakeStays() private view {
        for (uint256 role = 0; role < 2; ++role) {
            for (uint256 i = 0; i < _actors.OPERATORS(); ++i) {
                address operator = _actors.operatorAt(i);
                if (!bonding.isFrozen(Role(role), operator)) continue;
                if (_actors.frozenTotal(Role(role), operator) == 0) continue;
                vm.assertEq(_actors.totalOf(Role(role), operator), _actors.frozenTotal(Role(role), operator));
            }
        }
    }

    function _snapshotsNeverChange() private view {
        for (uint64 round = 1; round <= rounds.currentRound(); ++round) {
            for (uint256 role = 0; role < 2; ++role) {
                vm.assertEq(_actors.hashOf(Role(role), round), _actors.snapshotHash(Role(role), round));
            }
        }
    }
}
