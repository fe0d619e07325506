//! What stands between a link's own header and the network header, and the
//! links that only captures have.
//!
//! Built as the rest of `wire`: one file a protocol, `decode` and `encode`.
//! Ethernet, VLAN tags, cooked captures and loopback, which are met every day,
//! have their files one folder up.

pub mod arcnet;
pub mod capture;
pub mod cisco;
pub mod dsa;
pub mod extender;
pub mod frame_relay;
pub mod hdlc;
pub mod ieee80211;
pub mod llc;
pub mod macsec;
pub mod mpls;
pub mod nsh;
pub mod pbb;
pub mod ppp;
pub mod pppoe;
pub mod radio;
pub mod ring;
