//! The lab itself: three namespaces, two cables, addresses of both families.
//!
//! The devices are set up for what XDP on veth needs, each point found by
//! losing traffic without it:
//!
//! - `tx off`: a veth end that offloads checksums sends packets without one;
//!   they cross, and TCP at the far end drops them.
//! - `txvlan off`, `rxvlan off`: an accelerated tag travels beside the frame,
//!   where XDP cannot see it.
//! - `gro on`: what XDP redirects into a veth arrives only when the far end
//!   polls, and without a program of its own it does so only for GRO.
//!
//! The gateway's own devices have no addresses and no IPv6: all that crosses is
//! traffic of the two ends.
//!
//! A lab that is [`impaired`](Plan::impaired) has an [`Impairer`] in the middle
//! of each cable:
//!
//! ```text
//!   c0 <-> i0 [impairer] i1 <-> g0   g1 <-> i2 [impairer] i3 <-> s0
//! ```
//!
//! Its ends keep GRO off, or the kernel would join segments that were sent
//! apart; so what XDP itself redirects (a gateway that failed open) does not
//! cross it.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering};

use tempfile::TempDir;

use crate::impairer::{Impairer, Impairment, Tally};
use crate::netns::{self, Namespace, must};
use crate::raw::RawSocket;
use crate::skip;

/// What the names of everything a lab makes begin with; the process id and a
/// counter follow.
const PREFIX: &str = "tidegate";

/// IPv4 or IPv6.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    /// IPv4.
    V4,
    /// IPv6.
    V6,
}

impl Family {
    /// Both, for tests that hold for both.
    pub const BOTH: [Self; 2] = [Self::V4, Self::V6];
}

/// One of the two ends of the lab.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// Where connections are opened.
    Client,
    /// Where they are accepted.
    Server,
}

impl Side {
    /// Both, for tests that hold both ways.
    pub const BOTH: [Self; 2] = [Self::Client, Self::Server];

    /// The side across the gateway.
    #[must_use]
    pub const fn other(self) -> Self {
        match self {
            Self::Client => Self::Server,
            Self::Server => Self::Client,
        }
    }

    /// Its one device.
    pub const fn device(self) -> &'static str {
        match self {
            Self::Client => "c0",
            Self::Server => "s0",
        }
    }

    /// The Ethernet address of its device.
    pub const fn mac(self) -> [u8; 6] {
        match self {
            Self::Client => [0x02, 0, 0, 0, 0, 0x01],
            Self::Server => [0x02, 0, 0, 0, 0, 0x02],
        }
    }

    /// Its address; both sides are on one link.
    pub const fn address(self, family: Family) -> IpAddr {
        match (self, family) {
            (Self::Client, Family::V4) => IpAddr::V4(Ipv4Addr::new(10, 77, 0, 1)),
            (Self::Server, Family::V4) => IpAddr::V4(Ipv4Addr::new(10, 77, 0, 2)),
            (Self::Client, Family::V6) => IpAddr::V6(Ipv6Addr::new(0xfd77, 0, 0, 0, 0, 0, 0, 1)),
            (Self::Server, Family::V6) => IpAddr::V6(Ipv6Addr::new(0xfd77, 0, 0, 0, 0, 0, 0, 2)),
        }
    }

    /// Its address with a port.
    pub const fn at(self, family: Family, port: u16) -> SocketAddr {
        SocketAddr::new(self.address(family), port)
    }
}

/// How a lab is to be built.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    queues: u32,
    mtu: u32,
    impairment: Option<Impairment>,
}

impl Plan {
    /// This many queues on every device; 1 unless said otherwise.
    #[must_use]
    pub const fn queues(self, queues: u32) -> Self {
        Self { queues, ..self }
    }

    /// This MTU on every device; 1500 unless said otherwise.
    #[must_use]
    pub const fn mtu(self, mtu: u32) -> Self {
        Self { mtu, ..self }
    }

    /// With both cables impaired, each by a seed of its own that follows from
    /// the one given; as good as cables are unless said otherwise.
    #[must_use]
    pub const fn impaired(self, impairment: Impairment) -> Self {
        Self { impairment: Some(impairment), ..self }
    }

    /// Builds it; `None` where no lab can be made (no root), which has been
    /// said loudly.
    pub fn up(self) -> Option<Lab> {
        if let Some(why) = skip::lab_hindrance() {
            skip::skip(&why);
            return None;
        }
        Some(Lab::build(self))
    }
}

/// A client, a gateway and a server, as long as this value lives.
#[derive(Debug)]
pub struct Lab {
    // In the order they go: the relays on the cables, namespaces with all their
    // processes, then the pins of programs, then the files.
    impairers: Vec<Impairer>,
    wires: Option<Namespace>,
    client: Namespace,
    gateway: Namespace,
    server: Namespace,
    pins: BpfMount,
    folder: TempDir,
    gateways_started: AtomicU32,
}

impl Lab {
    /// A lab with one queue and an MTU of 1500; see [`Plan::up`].
    pub fn up() -> Option<Self> {
        Self::plan().up()
    }

    /// A lab that is to differ from [`Lab::up`].
    pub const fn plan() -> Plan {
        Plan { queues: 1, mtu: 1500, impairment: None }
    }

    fn build(plan: Plan) -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        // One at a time: the first `ip netns add` of a machine sets up a mount.
        static BUILDING: Mutex<()> = Mutex::new(());
        let _one_at_a_time = BUILDING.lock().unwrap_or_else(std::sync::PoisonError::into_inner);

        remove_leftovers();
        let name = format!("{PREFIX}-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let folder = tempfile::Builder::new().prefix(&format!("{name}-")).tempdir();
        let folder = folder.unwrap_or_else(|error| panic!("no temporary folder: {error}"));
        let mut lab = Self {
            impairers: Vec::new(),
            wires: plan.impairment.map(|_| Namespace::create(format!("{name}-wires"))),
            client: Namespace::create(format!("{name}-client")),
            gateway: Namespace::create(format!("{name}-gateway")),
            server: Namespace::create(format!("{name}-server")),
            pins: BpfMount::at(folder.path().join("bpf")),
            folder,
            gateways_started: AtomicU32::new(0),
        };
        lab.cable(plan, Side::Client, "g0", ["i0", "i1"]);
        lab.cable(plan, Side::Server, "g1", ["i3", "i2"]);
        lab.impair(plan);
        lab
    }

    /// Lays a cable from one side to a device of the gateway and brings both
    /// ends up; `middle` names the ends that lie between where it is impaired,
    /// the side's first.
    fn cable(&self, plan: Plan, side: Side, gateway_device: &str, middle: [&str; 2]) {
        let (end, device) = (self.side(side), side.device());
        let gateway = (&self.gateway, gateway_device);
        match (&self.wires, middle) {
            (None, _) => lay(plan, (end, device), Some(side.mac()), gateway),
            (Some(wires), [near, far]) => {
                lay(plan, (end, device), Some(side.mac()), (wires, near));
                lay(plan, (wires, far), None, gateway);
                for device in [near, far] {
                    wires.sysctl(&format!("ipv6/conf/{device}/disable_ipv6"), "1");
                    wires.ip([format!("link set {device} up").as_str()]);
                }
            }
        }
        self.gateway.sysctl(&format!("ipv6/conf/{gateway_device}/disable_ipv6"), "1");
        // Addresses count at once, and nothing is asked of routers that are not there.
        for (key, value) in [("accept_dad", "0"), ("router_solicitations", "0"), ("accept_ra", "0")] {
            end.sysctl(&format!("ipv6/conf/{device}/{key}"), value);
        }
        end.output(
            "ethtool",
            ["-K", device, "tx", "off", "txvlan", "off", "rxvlan", "off", "gro", "on", "tso", "off"],
        );
        self.gateway.ip([format!("link set {gateway_device} up").as_str()]);
        end.ip([
            format!("link set {device} up").as_str(),
            format!("address add {}/24 dev {device}", side.address(Family::V4)).as_str(),
            format!("address add {}/64 dev {device} nodad", side.address(Family::V6)).as_str(),
        ]);
    }

    /// Puts the impairers into their cables: the end towards the client first,
    /// so that a cable's first direction is up.
    fn impair(&mut self, plan: Plan) {
        let (Some(wires), Some(impairment)) = (&self.wires, plan.impairment) else { return };
        for (cable, [first, second]) in (0..).zip([["i0", "i1"], ["i2", "i3"]]) {
            let impairment = Impairment { seed: impairment.seed.wrapping_add(cable), ..impairment };
            let [first, second] = [first, second].map(|device| RawSocket::open(wires, device));
            self.impairers.push(Impairer::between(first, second, impairment));
        }
    }

    /// What became of the frames on an impaired side's cable: up, and down.
    pub fn tallies(&self, side: Side) -> [Tally; 2] {
        let cable = match side {
            Side::Client => 0,
            Side::Server => 1,
        };
        self.impairers.get(cable).expect("the lab was planned with impaired cables").tallies()
    }

    /// The client's namespace.
    pub const fn client(&self) -> &Namespace {
        &self.client
    }

    /// The gateway's namespace: devices `g0` towards the client, `g1` towards
    /// the server, and nothing between them until something is put there.
    pub const fn gateway_namespace(&self) -> &Namespace {
        &self.gateway
    }

    /// The server's namespace.
    pub const fn server(&self) -> &Namespace {
        &self.server
    }

    /// The namespace of a side.
    pub const fn side(&self, side: Side) -> &Namespace {
        match side {
            Side::Client => &self.client,
            Side::Server => &self.server,
        }
    }

    /// A folder for whatever a test writes.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Where gateways of this lab pin what is to outlive them: a folder, not
    /// made yet, of a BPF file system that goes with the lab.
    pub fn pins(&self) -> PathBuf {
        // Below the root, where the kernel puts files of its own.
        self.pins.path.join("tidegate")
    }

    /// A number that is new for every gateway of this lab, from 0.
    pub(crate) fn count_gateway(&self) -> u32 {
        self.gateways_started.fetch_add(1, Ordering::Relaxed)
    }

    /// Joins the gateway's two devices by a bridge of the kernel: what a gateway
    /// that does nothing would do.
    pub fn bridge(&self) {
        self.gateway.ip(["link add name br0 type bridge stp_state 0 mcast_snooping 0"]);
        self.gateway.sysctl("ipv6/conf/br0/disable_ipv6", "1");
        self.gateway.ip(["link set g0 master br0", "link set g1 master br0", "link set br0 up"]);
    }

    /// Makes both sides forget the Ethernet addresses they have learnt.
    pub fn forget_neighbours(&self) {
        for side in Side::BOTH {
            self.side(side).ip(["neigh flush all"]);
        }
    }

    /// What the kernel says about XDP programs on the gateway's devices: empty
    /// when there are none.
    pub fn attached_programs(&self) -> String {
        let links = self.gateway.output("ip", ["-d", "link", "show"]);
        let is_program = |line: &&str| line.contains("prog/xdp") || line.contains(" xdp");
        links.lines().filter(is_program).collect::<Vec<_>>().join("\n")
    }

    /// The names of what is pinned in this lab.
    pub fn pinned(&self) -> Vec<String> {
        fn collect(folder: &Path, found: &mut Vec<String>) {
            for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
                if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                    collect(&entry.path(), found);
                } else {
                    found.push(entry.path().display().to_string());
                }
            }
        }
        let mut found = Vec::new();
        collect(&self.pins(), &mut found);
        found
    }
}

/// Makes a pair of devices, one in each of two namespaces.
fn lay(plan: Plan, near: (&Namespace, &str), near_mac: Option<[u8; 6]>, far: (&Namespace, &str)) {
    let Plan { queues, mtu, .. } = plan;
    let ((near, near_device), (far, far_device)) = (near, far);
    let address = near_mac.map_or_else(String::new, |[m0, m1, m2, m3, m4, m5]| {
        format!("address {m0:02x}:{m1:02x}:{m2:02x}:{m3:02x}:{m4:02x}:{m5:02x}")
    });
    let (near, far) = (near.name(), far.name());
    let link = format!(
        "link add name {near_device} mtu {mtu} {address} numtxqueues {queues} numrxqueues {queues} \
         netns {near} type veth peer name {far_device} mtu {mtu} numtxqueues {queues} \
         numrxqueues {queues} netns {far}"
    );
    must(Command::new("ip").args(link.split_whitespace()));
}

/// A BPF file system, mounted as long as this value lives.
#[derive(Debug)]
struct BpfMount {
    path: PathBuf,
}

impl BpfMount {
    fn at(path: PathBuf) -> Self {
        std::fs::create_dir(&path).unwrap_or_else(|error| panic!("cannot make {}: {error}", path.display()));
        must(Command::new("mount").args(["-t", "bpf", "bpf"]).arg(&path));
        Self { path }
    }
}

impl Drop for BpfMount {
    fn drop(&mut self) {
        unmount(&self.path);
    }
}

fn unmount(path: &Path) {
    // Lazily: a program that a test runs may still stand in there.
    let _ = Command::new("umount").arg("-l").arg(path).stderr(Stdio::null()).status();
}

/// Removes what runs that were killed have left: all that carries the number
/// of a process that is gone.
pub fn remove_leftovers() {
    for name in netns::names() {
        if is_leftover(&name) {
            netns::remove(&name);
        }
    }
    for entry in std::fs::read_dir(std::env::temp_dir()).into_iter().flatten().flatten() {
        if entry.file_name().to_str().is_some_and(is_leftover) {
            unmount(&entry.path().join("bpf"));
            let _ = std::fs::remove_dir_all(entry.path());
        }
    }
}

/// Whether a name is of a lab whose process is gone.
fn is_leftover(name: &str) -> bool {
    let mut parts = name.split('-');
    let ours = parts.next() == Some(PREFIX);
    let pid = parts.next().and_then(|pid| pid.parse::<u32>().ok());
    let counted = parts.next().is_some_and(|count| count.parse::<u32>().is_ok());
    ours && counted && pid.is_some_and(|pid| !Path::new(&format!("/proc/{pid}")).exists())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spares_what_is_not_a_leftover() {
        let own = std::process::id();
        assert!(!is_leftover(&format!("{PREFIX}-{own}-0-client")));
        assert!(!is_leftover("another-4000000000-0-client"));
        assert!(!is_leftover(&format!("{PREFIX}-notes")));
        assert!(!is_leftover(&format!("{PREFIX}-4000000000")));
        // No process has a number above the kernel's limit of 2^22.
        assert!(is_leftover(&format!("{PREFIX}-4000000000-0-client")));
    }

    #[test]
    fn each_side_has_an_address_of_its_own() {
        for family in Family::BOTH {
            assert_ne!(Side::Client.address(family), Side::Server.address(family));
        }
    }
}
