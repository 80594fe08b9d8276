// Where replicas write their routes: agreed between the configurations that are generated for them and their virtual kernels.

/**
 * The routing table of its virtual kernel that a replica writes its BGP routes to. Not the main one, by which it resolves next
 * hops: zebra would resolve one BGP route by another, and would not write a route to where the kernel has one already.
 */
export const REPLICA_TABLE = 179;
