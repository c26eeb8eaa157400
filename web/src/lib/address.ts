import { onScopeDispose, ref, watch, type Ref } from "vue";

/** An object URL for a blob; revoked when no longer needed. */
export function useAddress(blob: () => Blob | null): Ref<string> {
  const address = ref("");
  const release = () => {
    if (address.value) URL.revokeObjectURL(address.value);
  };
  watch(
    blob,
    (now) => {
      release();
      address.value = now ? URL.createObjectURL(now) : "";
    },
    { immediate: true },
  );
  onScopeDispose(release);
  return address;
}
