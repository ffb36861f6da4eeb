/** What a failed call means for whoever made it; decided by Cloudflare's error code first, since HTTP statuses vary for one code. */
export type ErrorClass =
  /** Credential: nothing works until the Secret or its permissions change. */
  | "Unauthorized"
  /** Zone: Cloudflare for SaaS is off. */
  | "SaaSNotEnabled"
  /** Zone: no create works until a hostname is deleted or the quota is raised. */
  | "QuotaExceeded"
  /** The name exists: look it up in this zone. */
  | "Duplicate"
  | "NotFound"
  /** Only an edit of the resource helps. */
  | "InvalidSpec"
  /** The account's plan lacks the feature. */
  | "PlanRequired"
  /** The custom origin has no DNS record yet: somebody else may add it. */
  | "OriginMissing"
  | "NotModifiable"
  /** Also when our own budget says wait: no request was sent then. */
  | "RateLimited"
  /** The stored id is unusable: look the hostname up by name. */
  | "InvalidId"
  /** Zone id or apiURL of the class. */
  | "ConfigWrong"
  | "Transient"
  | "OperatorBug";

/** Cloudflare's documented and observed codes. Classes of whole ranges are spelled out so that a new code stays unknown. */
export const ERROR_CODES: ReadonlyMap<number, ErrorClass> = new Map<number, ErrorClass>([
  ...codes("OperatorBug", 1400, 1401, 1402, 1403, 1437, 1438, 1440),
  ...codes("SaaSNotEnabled", 1404),
  ...codes("QuotaExceeded", 1405),
  ...codes("Duplicate", 1406),
  ...codes("InvalidSpec", 1407, 1408, 1409, 1410, 1411, 1412, 1415, 1416, 1417, 1418, 1419, 1420),
  ...codes("PlanRequired", 1413, 1414, 1459),
  ...codes("OriginMissing", 1421),
  ...codes(
    "InvalidSpec",
    1422,
    1423,
    1424,
    1425,
    1442,
    1443,
    1449,
    1426,
    1427,
    1428,
    1429,
    1430,
    1431,
    1441,
    1444,
    1445,
    1446,
    1447,
  ),
  ...codes("InvalidSpec", 1432, 1433, 1434, 1448, 1469),
  ...codes("InvalidId", 1435),
  ...codes("NotFound", 1436),
  ...codes("NotModifiable", 1439),
  ...codes("Transient", 1500),
  ...codes("Unauthorized", 1000, 1001, 1002, 1003, 1004, 1005, 10000, 9109, 6003, 6111),
  ...codes("ConfigWrong", 7003),
  ...codes("RateLimited", 10429, 10300),
]);

function codes(errorClass: ErrorClass, ...numbers: readonly number[]): [number, ErrorClass][] {
  return numbers.map((number) => [number, errorClass]);
}
