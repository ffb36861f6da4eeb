/** Features that only some plans have. */
export interface Plan {
  readonly wildcard: boolean;
  readonly certificateAuthority: boolean;
  readonly customMetadata: boolean;
  readonly customOrigin: boolean;
  readonly customOriginSNI: boolean;
  readonly apexProxying: boolean;
}

/** Free, Pro and Business. */
export const basicPlan: Plan = {
  wildcard: false,
  certificateAuthority: false,
  customMetadata: false,
  customOrigin: true,
  customOriginSNI: false,
  apexProxying: false,
};

export const enterprisePlan: Plan = {
  wildcard: true,
  certificateAuthority: true,
  customMetadata: true,
  customOrigin: true,
  customOriginSNI: true,
  apexProxying: true,
};
