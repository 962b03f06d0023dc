/** What a person types when the clock of a machine is wrong. */
export const SET_CLOCK = 'timedatectl set-ntp true; on a Mac: systemsetup -setusingnetworktime on';
