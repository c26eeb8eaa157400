import { onScopeDispose, ref, watch, type Ref } from "vue";

/** An address under which a piece of memory can be shown; given back when it is not needed. */
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
